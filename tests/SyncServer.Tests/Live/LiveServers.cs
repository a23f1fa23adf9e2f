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

    /// <summary>Returns when so many are open; fails when that does not happen for half a minute.</summary>
    public static Task OpenAsync(this TestServer server, int streams, int waits) =>
        UntilAsync(() => Task.FromResult(server.Open() == (streams, waits)), $"{streams} streams and {waits} waits");

    public static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        // Looked at now and then, not in a loop that takes the processor from what it waits for.
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        for (var until = DateTime.UtcNow.AddSeconds(30); !await holds(); await again.WaitForNextTickAsync())
        {
            Assert.True(DateTime.UtcNow < until, $"There never were {what}.");
        }
    }
}
