using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using SyncServer;
using SyncServer.Entities;
using SyncServer.Operators;
using SyncServer.Storage;
using SyncServer.Storage.Embedded;

// Signals count from the first line on: a server that is stopped while its database starts stops that database too.
using var stopping = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

try
{
    if (await HealthCommand.TryRunAsync(args, stopping.Token) is { } health)
    {
        return health;
    }

    await using var app = ServerHost.Build(CheckCommand.HostArguments(args));
    await using var postgres = await EmbeddedPostgres.StartUnlessConfiguredAsync(app.Configuration, app.Logger, stopping.Token);
    if (await StorageCommands.TryRunAsync(args, app.Services, stopping.Token) is { } exitCode)
    {
        return exitCode;
    }

    if (await CheckCommand.TryRunAsync(args, app.Services, stopping.Token) is { } verdict)
    {
        return verdict;
    }

    // Disposes the application, and with it every connection, before the database stops.
    await app.RunAsync(stopping.Token);
    return 0;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return Unable(otherwise: 0);
}
catch (Exception refused) when (refused is EmbeddedPostgresException or EntitiesFileException or OptionsValidationException)
{
    // Settings that cannot be: the message names the key and the remedy, and a stack trace would only hide it.
    await Console.Error.WriteLineAsync(refused.Message);
    return Unable(otherwise: 1);
}

// A check that did not run must not look like one that found nothing, or something.
int Unable(int otherwise) => CheckCommand.IsNamedBy(args) ? CheckCommand.CannotRun : otherwise;

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
