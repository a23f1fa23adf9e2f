using System.Text.Json;
using SyncServer.Core.Json;

namespace SyncServer.Core.Merge;

/// <summary>Why a path is as it is after a merge, or why nobody could decide. Absent values are null and not written.</summary>
/// <param name="Path">JSON Pointer into <c>data</c>.</param>
/// <param name="Rule">The name of the policy, <see cref="OwnLater"/> or <see cref="OnEditDelete"/>.</param>
/// <param name="Base">What the device last saw.</param>
/// <param name="Theirs">What the server held.</param>
/// <param name="Yours">What the op wanted.</param>
/// <param name="Merged">What the record holds now; of a conflict nothing.</param>
public sealed record Explanation(string Path, string Rule, JsonValue? Base, JsonValue? Theirs, JsonValue? Yours, JsonValue? Merged = null)
{
    /// <summary>A later op of the same device arrived earlier and stays.</summary>
    public const string OwnLater = "own-later";

    /// <summary>An edit met a delete.</summary>
    public const string OnEditDelete = "onEditDelete";

    /// <summary>The value as JSON.</summary>
    public JsonObject ToJson() => JsonObject.Of(
        ("path", new JsonString(Path)), ("rule", new JsonString(Rule)),
        ("base", Base), ("theirs", Theirs), ("yours", Yours), ("merged", Merged));

    /// <summary>The explanation that <see cref="ToJson"/> wrote.</summary>
    public static Explanation FromJson(JsonObject stored) => new(
        ((JsonString)stored["path"]!).Text, ((JsonString)stored["rule"]!).Text,
        stored["base"], stored["theirs"], stored["yours"], stored["merged"]);

    /// <summary>Writes a list of explanations as the member <paramref name="name"/>.</summary>
    public static void WriteList(Utf8JsonWriter writer, string name, IEnumerable<Explanation> explanations)
    {
        writer.WriteStartArray(name);
        foreach (var explanation in explanations)
        {
            explanation.ToJson().WriteTo(writer);
        }

        writer.WriteEndArray();
    }
}
