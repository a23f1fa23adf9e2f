using System.Text.RegularExpressions;

namespace SyncServer.Storage.Embedded;

/// <summary>A folder with PostgreSQL's own programs, and their major version.</summary>
internal sealed partial record PostgresBinaries(string Directory, int Major)
{
    /// <summary>The oldest version whose SQL the server uses.</summary>
    public const int OldestMajor = 15;

    private static readonly string[] Programs = ["initdb", "pg_ctl", "postgres"];

    private static readonly string[] InstallDirectories = OperatingSystem.IsWindows()
        ? [@"C:\Program Files\PostgreSQL\*\bin"]
        :
        [
            "/usr/lib/postgresql/*/bin",
            "/usr/pgsql-*/bin",
            "/usr/lib/postgresql*/bin",
            "/usr/libexec/postgresql*",
            "/usr/local/pgsql/bin",
            "/opt/homebrew/opt/postgresql*/bin",
            "/usr/local/opt/postgresql*/bin",
            "/Applications/Postgres.app/Contents/Versions/*/bin",
        ];

    public string Path(string program) => System.IO.Path.Combine(Directory, Executable(program));

    /// <summary>The configured folder alone; without one, the first that fits of PATH and the usual install folders.</summary>
    /// <param name="configured"><c>Postgres:BinDirectory</c>.</param>
    /// <param name="major">The version of an existing cluster, which only its own version can run; null takes any.</param>
    /// <param name="ct">Cancels the search.</param>
    public static async Task<PostgresBinaries> FindAsync(string? configured, int? major, CancellationToken ct)
    {
        var candidates = configured is null ? PathDirectories().Concat(InstallDirectories.SelectMany(Matches)) : [configured];
        var seen = new List<PostgresBinaries>();
        foreach (var directory in candidates.Distinct())
        {
            if (await ProbeAsync(directory, ct) is not { } found)
            {
                continue;
            }
            if (found.Major == (major ?? found.Major) && found.Major >= OldestMajor)
            {
                return found;
            }
            seen.Add(found);
        }
        throw NotFound(configured, major, seen);
    }

    /// <summary>Folders that match a pattern with one wildcard part, the highest version first.</summary>
    internal static IEnumerable<string> Matches(string pattern)
    {
        var parts = pattern.Split(System.IO.Path.DirectorySeparatorChar);
        var wild = Array.FindIndex(parts, part => part.Contains('*'));
        if (wild < 0)
        {
            return [pattern];
        }
        var root = string.Join(System.IO.Path.DirectorySeparatorChar, parts[..wild]);
        return !System.IO.Directory.Exists(root)
            ? []
            : System.IO.Directory.GetDirectories(root, parts[wild])
                .OrderByDescending(VersionInName)
                .Select(found => System.IO.Path.Combine([found, .. parts[(wild + 1)..]]));
    }

    private static double VersionInName(string directory) =>
        Number().Match(System.IO.Path.GetFileName(directory)) is { Success: true } match ? double.Parse(match.Value) : 0;

    private static IEnumerable<string> PathDirectories() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(System.IO.Path.IsPathFullyQualified);

    private static async Task<PostgresBinaries?> ProbeAsync(string directory, CancellationToken ct)
    {
        if (!Programs.All(program => File.Exists(System.IO.Path.Combine(directory, Executable(program)))))
        {
            return null;
        }
        var full = System.IO.Path.GetFullPath(directory);
        var run = await ProgramRun.OfAsync([System.IO.Path.Combine(full, Executable("postgres")), "--version"], ct);
        return run.Succeeded && Number().Match(run.Output) is { Success: true } version
            ? new PostgresBinaries(full, (int)double.Parse(version.Value))
            : null;
    }

    private static string Executable(string program) => OperatingSystem.IsWindows() ? program + ".exe" : program;

    private static EmbeddedPostgresException NotFound(string? configured, int? major, List<PostgresBinaries> seen)
    {
        var wanted = major is { } exact ? $"PostgreSQL {exact}, which made the cluster," : $"PostgreSQL {OldestMajor} or later";
        var where = configured is null ? "on PATH or in the usual folders" : $"in Postgres:BinDirectory ({configured})";
        var instead = seen.Count == 0 ? "" : $" (only {string.Join(", ", seen.Select(found => $"{found.Major} in {found.Directory}"))})";
        return new EmbeddedPostgresException(
            $"""
            {wanted} was not found {where}{instead}. There are three ways out:
              1. install it (Debian, Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server;
                 macOS: brew install postgresql), or name its folder in Postgres:BinDirectory
              2. give the connection string of a running PostgreSQL in ConnectionStrings:Sync
              3. docker compose up
            """);
    }

    [GeneratedRegex(@"\d+(\.\d+)?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Number();
}
