using Npgsql;
using SyncServer.Core.Json;

namespace SyncServer.Entities;

/// <summary>
/// Tells before a deployment which records a changed file of definitions would find in breach. It changes nothing, and the
/// server may run meanwhile.
/// </summary>
public static class CheckCommand
{
    /// <summary>Checks the file that follows against the live records of the database, and exits.</summary>
    public const string Check = "check";

    /// <summary>The exit code where every record keeps the definitions.</summary>
    public const int Clean = 0;

    /// <summary>The exit code where some record breaks them.</summary>
    public const int Broken = 1;

    /// <summary>The exit code where nothing is known, with the reason on standard error.</summary>
    public const int CannotRun = 2;

    /// <summary>Whether <paramref name="args"/> begin with the command.</summary>
    public static bool IsNamedBy(string[] args) => args is [Check, ..];

    /// <summary>
    /// What of <paramref name="args"/> is for the host. The file is not: a path that begins with a slash is an option to the
    /// configuration, which takes the next argument for its value. Standard output is for the findings, so the log is quiet.
    /// </summary>
    public static string[] HostArguments(string[] args) =>
        IsNamedBy(args) ? ["--Serilog:MinimumLevel:Default=Warning", .. args.Skip(2)] : args;

    /// <summary>
    /// Runs the command that <paramref name="args"/> begin with, on the services of a host that is built and not started.
    /// Prints one JSON object per breach on standard output, a summary on standard error, and returns the exit code; null
    /// where <paramref name="args"/> hold another command or none.
    /// </summary>
    public static async Task<int?> TryRunAsync(string[] args, IServiceProvider services, CancellationToken cancel = default)
    {
        if (!IsNamedBy(args))
        {
            return null;
        }

        if (args is not [_, { Length: > 0 } file, ..] || file.StartsWith('-'))
        {
            await Console.Error.WriteLineAsync($"Name the file of definitions: SyncServer {Check} entities.json");
            return CannotRun;
        }

        try
        {
            var check = new RecordCheck(services.GetRequiredService<NpgsqlDataSource>(), EntitiesFile.Read(file));
            var broken = await PrintAsync(check, Console.Out, cancel);
            await Console.Error.WriteLineAsync($"Checked {check.Records} live records of declared entities: {broken} rules broken.");
            return broken == 0 ? Clean : Broken;
        }
        catch (Exception failure) when (
            failure is NpgsqlException or InvalidOperationException or EntitiesFileException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"The records were not checked: {Reason(failure)}");
            return CannotRun;
        }
    }

    private static string Reason(Exception failure) => failure switch
    {
        EntitiesFileException => failure.Message,
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable } => "The database has no schema yet. Run 'SyncServer migrate' first.",
        _ => failure.GetBaseException().Message,
    };

    /// <summary>Prints what <paramref name="check"/> finds, and returns how much that was.</summary>
    internal static async Task<long> PrintAsync(RecordCheck check, TextWriter output, CancellationToken cancel)
    {
        var broken = 0L;
        await foreach (var one in check.FindAsync(cancel))
        {
            var line = JsonObject.Of(
                ("space", new JsonString(one.Space.ToString())), ("entity", new JsonString(one.Entity)), ("id", new JsonString(one.RecordId)),
                ("pointer", new JsonString(one.Pointer)), ("detail", new JsonString(one.Detail)));
            await output.WriteLineAsync(line.ToString());
            broken++;
        }

        return broken;
    }
}
