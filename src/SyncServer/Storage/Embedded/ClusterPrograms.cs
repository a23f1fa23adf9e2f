namespace SyncServer.Storage.Embedded;

/// <summary>PostgreSQL's programs of one version, run by one account.</summary>
internal sealed record ClusterPrograms(PostgresBinaries Binaries, Unprivileged Account)
{
    public Task<ProgramRun> RunAsync(string program, IEnumerable<string> arguments, CancellationToken ct) =>
        Account.RunAsync([Binaries.Path(program), .. arguments], ct);

    /// <summary>pg_ctl, which gives the postmaster a session of its own: a ctrl-c in the server's terminal does not reach it.</summary>
    public Task<ProgramRun> StartAsync(IEnumerable<string> arguments, CancellationToken ct) =>
        ProgramRun.OfAsync(Account.Command([Binaries.Path("pg_ctl"), "start", .. arguments]), capture: !OperatingSystem.IsWindows(), ct);
}
