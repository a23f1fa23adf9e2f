using Npgsql;

namespace SyncServer.Storage;

/// <summary>What the executable does about the database instead of serving.</summary>
public static class StorageCommands
{
    /// <summary>Brings the schema up to date and exits; deployments run it before the first new server.</summary>
    public const string Migrate = "migrate";

    /// <summary>
    /// Runs the command that <paramref name="args"/> begin with, on the services of a host that is built and not
    /// started. Returns the exit code: 0 done, 1 failed, with the reason on standard error; null where
    /// <paramref name="args"/> hold no command and the server is to run.
    /// </summary>
    public static async Task<int?> TryRunAsync(string[] args, IServiceProvider services, CancellationToken cancel = default) =>
        args is [Migrate, ..] ? await MigrateAsync(services, cancel) : null;

    private static async Task<int> MigrateAsync(IServiceProvider services, CancellationToken cancel)
    {
        try
        {
            var applied = await services.GetRequiredService<Migrator>().MigrateAsync(cancel);
            foreach (var migration in applied)
            {
                await Console.Out.WriteLineAsync($"Applied {migration}");
            }

            await Console.Out.WriteLineAsync(applied.Count == 0 ? "The schema was up to date." : "The schema is up to date.");
            return 0;
        }
        catch (Exception failure) when (failure is NpgsqlException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"The schema was not migrated: {failure.GetBaseException().Message}");
            return 1;
        }
    }
}
