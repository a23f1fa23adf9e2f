using System.Diagnostics;

namespace SyncServer.Tests.Servers;

/// <summary>
/// How long tests wait for what has to come. It bounds a failure and nothing else: a test goes on as soon as there is what it
/// waits for, and on a machine that is busy with other things that may take many times as long.
/// </summary>
internal static class Patience
{
    /// <summary>Three minutes: hundreds of times what anything here takes, and far less than the runner waits for a test.</summary>
    public static readonly TimeSpan Whole = TimeSpan.FromMinutes(3);

    /// <summary>Between two looks: one after the other would take the processor from what they wait for.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns as soon as it is so.</summary>
    public static Task UntilAsync(Func<bool> isSo, string what) => UntilAsync(() => Task.FromResult(isSo()), what);

    /// <summary>Returns as soon as it is so; fails with <paramref name="what"/> where that does not come.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        // Not by the time of day, which may be set meanwhile.
        var begun = Stopwatch.GetTimestamp();
        using var again = new PeriodicTimer(Pause);
        while (!await isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(begun) < Whole, $"Waited in vain: {what}.");
            await again.WaitForNextTickAsync();
        }
    }
}
