using Microsoft.Extensions.Logging.Abstractions;

namespace SyncServer.Storage.Embedded;

/// <summary>Where the embedded cluster lives and which PostgreSQL runs it (<c>Postgres:*</c>).</summary>
public sealed record EmbeddedPostgresOptions
{
    /// <summary>Beside the project that runs, and ignored by git.</summary>
    public const string DefaultDataDirectory = ".data/postgres";

    /// <summary><c>Postgres:DataDirectory</c>. Made on the first start; its parent holds two small lock files beside it.</summary>
    public string DataDirectory { get; init; } = DefaultDataDirectory;

    /// <summary><c>Postgres:BinDirectory</c>, the folder of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>. None: it is searched for.</summary>
    public string? BinDirectory { get; init; }

    /// <summary><c>Postgres:Settings:*</c>: server settings that win over the ones of <see cref="Cluster"/>.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Turns fsync off: a power cut may then destroy the cluster. For tests, whose clusters are thrown away.</summary>
    public bool UnsafeFastForTests { get; init; }

    /// <summary>Listens on 127.0.0.1 with a random password: the only way on Windows, where Npgsql has no Unix sockets to use.</summary>
    internal bool Loopback { get; init; } = OperatingSystem.IsWindows();

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Reads <c>Postgres:DataDirectory</c>, <c>Postgres:BinDirectory</c> and <c>Postgres:Settings:*</c>.</summary>
    public static EmbeddedPostgresOptions From(IConfiguration configuration, ILogger logger) => new()
    {
        DataDirectory = configuration["Postgres:DataDirectory"] is { Length: > 0 } data ? data : DefaultDataDirectory,
        BinDirectory = configuration["Postgres:BinDirectory"] is { Length: > 0 } bin ? bin : null,
        Settings = configuration.GetSection("Postgres:Settings").GetChildren()
            .Where(setting => setting.Value is not null)
            .ToDictionary(setting => setting.Key, setting => setting.Value!),
        Logger = logger,
    };
}
