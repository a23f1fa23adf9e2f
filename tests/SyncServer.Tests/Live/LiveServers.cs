using Microsoft.Extensions.DependencyInjection;
using SyncServer.Live;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Live;

/// <summary>Servers whose live delivery is set for a test, and what tests wait for in them.</summary>
internal static class LiveServers
{
    /// <summary>A server that would not check heads within the life of a test: whatever wakes it is a hint.</summary>
    public const string NoCheck = "--Live:CheckInterval=1.00:00:00";

    /// <summary>Its streams and waits that are open.</summary>
    public static (int Streams, int Waits) Open(this TestServer server)
    {
        var slots = server.App.Services.GetRequiredService<LiveSlots>();
        return (slots.Streams, slots.Waits);
    }

    /// <summary>Returns when so many are open.</summary>
    public static Task OpenAsync(this TestServer server, int streams, int waits) =>
        Patience.UntilAsync(() => server.Open() == (streams, waits), $"{streams} streams and {waits} waits are open");
}
