using Npgsql;

namespace SyncServer.Storage;

/// <summary>What the executable does about the database instead of serving.</summary>
public static class StorageCommands
{
    /// <summary>Brings the schema up to date and exits; deployments run it before the first new server.</summary>
    public const string Migrate = "migrate";

    /// <summary>Begins a new epoch, after a restore that no server can notice, and exits. Running servers notice within a second.</summary>
    public const string NewEpoch = "new-epoch";

    /// <summary>
    /// Runs the command that <paramref name="args"/> begin with, on the services of a host that is built and not
    /// started. Returns the exit code: 0 done, 1 failed, with the reason on standard error; null where
    /// <paramref name="args"/> hold no command and the server is to run.
    /// </summary>
    public static async Task<int?> TryRunAsync(string[] args, IServiceProvider services, CancellationToken cancel = default) =>
        args switch
        {
            [Migrate, ..] => await MigrateAsync(services, cancel),
            [NewEpoch, ..] => await BeginEpochAsync(services, cancel),
            _ => null,
        };

    private static async Task<int> BeginEpochAsync(IServiceProvider services, CancellationToken cancel)
    {
        try
        {
            var source = services.GetRequiredService<NpgsqlDataSource>();
            var epoch = await services.GetRequiredService<ServerIdentity>().BeginAsync(source, cancel);
            await Console.Out.WriteLineAsync($"The epoch is now {epoch}. Every device pulls from the start and sends again what the database lacks.");
            return 0;
        }
        catch (Exception failure) when (failure is NpgsqlException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync($"No epoch was begun: {failure.GetBaseException().Message}");
            return 1;
        }
    }

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
