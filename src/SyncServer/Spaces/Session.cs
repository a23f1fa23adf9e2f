using System.Text.Json;
using System.Text.Json.Serialization;
using SyncServer.Core;

namespace SyncServer.Spaces;

/// <summary>What <c>GET /v1/session</c> answers.</summary>
/// <param name="Principal">The caller.</param>
/// <param name="Operator">Whether the caller may use <c>/v1/admin</c>.</param>
/// <param name="Epoch">The history of the database.</param>
/// <param name="ServerTime">The server's clock, RFC 3339 in UTC.</param>
internal sealed record Session(string Principal, bool Operator, string Epoch, string ServerTime)
{
    /// <summary>The caller's spaces, the personal one first, the others by id.</summary>
    public required IReadOnlyList<SessionSpace> Spaces { get; init; }

    /// <summary>Where the list of spaces goes on; absent where it is whole.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Cursor { get; init; }

    /// <summary>Whether the caller has more spaces than are listed here.</summary>
    public required bool HasMore { get; init; }

    /// <summary>Bounds that requests have to keep to.</summary>
    public required Limits Limits { get; init; }

    /// <summary>How clients should behave.</summary>
    public required SessionPresets Presets { get; init; }

    /// <summary>How long the server remembers.</summary>
    public required SessionRetentions Retentions { get; init; }

    /// <summary>Entity definitions by name.</summary>
    public required JsonElement Entities { get; init; }
}

/// <summary>A space of the caller's.</summary>
/// <param name="Id">Its id, also of the personal space.</param>
/// <param name="Name">The name of a shared space; <c>me</c> for the personal one.</param>
/// <param name="Role"><c>reader</c>, <c>writer</c> or <c>owner</c>.</param>
/// <param name="Personal">Whether it is the personal space.</param>
/// <param name="Head">The seq of its last change.</param>
internal sealed record SessionSpace(Guid Id, string Name, string Role, bool Personal, long Head);

/// <summary>The presets of <see cref="Core.Presets"/>, and for how long a repeat is a replay (ISO 8601 duration).</summary>
internal sealed record SessionPresets(
    int RetryBaseMs, int RetryCapMs, double RetryJitter, int PollIntervalSeconds, string IdempotencyRetention);

/// <summary>Retentions as ISO 8601 durations.</summary>
internal sealed record SessionRetentions(string IdempotencyRetention, string Tombstones, string History);
