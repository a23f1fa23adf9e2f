namespace SyncServer.Storage.Embedded;

/// <summary>
/// The account that PostgreSQL runs under. PostgreSQL refuses root, so where the server is root this is the owner of
/// the cluster, or else <c>postgres</c>, or else <c>nobody</c>; everywhere else it is the server's own account.
/// </summary>
internal sealed class Unprivileged
{
    private static readonly string[] Accounts = ["postgres", "nobody"];

    private readonly IReadOnlyList<string> prefix;

    private Unprivileged(string uid, string gid, IReadOnlyList<string> prefix) => (Uid, Gid, this.prefix) = (uid, gid, prefix);

    public string Uid { get; }

    public string Gid { get; }

    public bool DropsRoot => prefix.Count > 0;

    /// <param name="cluster">The cluster's directory, whose owner goes on owning it; it need not exist.</param>
    /// <param name="ct">Cancels the look-up.</param>
    public static async Task<Unprivileged> ForAsync(string cluster, CancellationToken ct)
    {
        if (OperatingSystem.IsWindows())
        {
            return new Unprivileged("", "", []);
        }
        if (!Environment.IsPrivilegedProcess)
        {
            return new Unprivileged(await IdAsync("-u", null, ct) ?? "", await IdAsync("-g", null, ct) ?? "", []);
        }
        if (await FileOwner.OfAsync(cluster, ct) is { Uid: not "0" } owner)
        {
            return await DropToAsync(owner.Uid, owner.Gid, await IdAsync("-nu", owner.Uid, ct), ct) ?? throw CannotDrop(owner.Uid);
        }
        foreach (var name in Accounts)
        {
            if (await IdAsync("-u", name, ct) is { } uid && await IdAsync("-g", name, ct) is { } gid)
            {
                return await DropToAsync(uid, gid, name, ct) ?? throw CannotDrop(name);
            }
        }
        throw CannotDrop(string.Join(" or ", Accounts));
    }

    /// <summary>The same command, run by this account.</summary>
    public IReadOnlyList<string> Command(params IEnumerable<string> command) => [.. prefix, .. command];

    public Task<ProgramRun> RunAsync(IEnumerable<string> command, CancellationToken ct) => ProgramRun.OfAsync(Command(command), ct);

    /// <summary>True where this account can reach what lies in the directory; every parent takes part in that.</summary>
    public async Task<bool> CanEnterAsync(string directory, CancellationToken ct) =>
        (await RunAsync(["/bin/sh", "-c", "cd -- \"$1\"", "sh", directory], ct)).Succeeded;

    /// <summary>Gives an existing directory to this account; nothing to do where the server is not root.</summary>
    public async Task OwnAsync(string directory, CancellationToken ct)
    {
        if (!DropsRoot)
        {
            return;
        }
        var run = await ProgramRun.OfAsync(["chown", $"{Uid}:{Gid}", directory], ct);
        if (!run.Succeeded)
        {
            throw new EmbeddedPostgresException(
                $"PostgreSQL does not run as root, and {directory} cannot be given to the account {Uid}: {run.Text} " +
                "Start the server as an ordinary user, or set Postgres:DataDirectory to a directory on another file system.");
        }
    }

    /// <summary>setpriv and runuser come with util-linux; su is what a small system has. The first that works is taken.</summary>
    private static async Task<Unprivileged?> DropToAsync(string uid, string gid, string? name, CancellationToken ct)
    {
        string[][] ways =
        [
            ["setpriv", $"--reuid={uid}", $"--regid={gid}", "--clear-groups", "--"],
            ["runuser", "-u", name ?? uid, "--"],
            ["su", "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", name ?? uid],
        ];
        foreach (var way in ways)
        {
            var run = await ProgramRun.OfAsync([.. way, "id", "-u"], ct);
            if (run.Succeeded && run.Output.Trim() == uid)
            {
                return new Unprivileged(uid, gid, way);
            }
        }
        return null;
    }

    private static async Task<string?> IdAsync(string option, string? account, CancellationToken ct)
    {
        var run = await ProgramRun.OfAsync(account is null ? ["id", option] : ["id", option, account], ct);
        return run.Succeeded ? run.Output.Trim() : null;
    }

    private static EmbeddedPostgresException CannotDrop(string account) => new(
        $"PostgreSQL does not run as root, and neither setpriv, runuser nor su can run it as {account}. " +
        "Start the server as an ordinary user, or give a connection string (ConnectionStrings:Sync).");
}

/// <summary>Numeric owner and permissions of a file, as <c>ls -ldn</c> prints them: .NET has no call for the owner.</summary>
internal sealed record FileOwner(string Mode, string Uid, string Gid)
{
    private const int ColumnsBeforeSize = 4;

    public static async Task<FileOwner?> OfAsync(string path, CancellationToken ct)
    {
        var run = await ProgramRun.OfAsync(["ls", "-ldn", "--", path], ct);
        var columns = run.Output.Split((char[]?)null, ColumnsBeforeSize + 1, StringSplitOptions.RemoveEmptyEntries);
        return run.Succeeded && columns.Length > ColumnsBeforeSize ? new FileOwner(columns[0], columns[2], columns[3]) : null;
    }
}
