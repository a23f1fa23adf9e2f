using System.Diagnostics;

namespace SyncServer.Storage.Embedded;

/// <summary>
/// Who uses a cluster. Every server holds a shared lock on <c>&lt;data&gt;.in-use</c> for as long as it uses the cluster,
/// so any number of servers may be pointed at one data directory and the last to leave stops it. Starting and stopping
/// happen one server at a time, under an exclusive lock on <c>&lt;data&gt;.lock</c>. The system releases both locks when a
/// process dies, whatever it died of. They are of one machine: a data directory is not shared over a network.
/// </summary>
internal sealed class ClusterShare : IDisposable
{
    /// <summary>Another server may be recovering a cluster after a crash, which takes minutes at most.</summary>
    private static readonly TimeSpan EnterTimeout = TimeSpan.FromMinutes(5);

    /// <summary>A process that is being started elsewhere in this one holds a copy of every handle for an instant.</summary>
    private static readonly TimeSpan LastTimeout = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);

    private readonly string path;
    private FileStream? changing;
    private FileStream? use;

    private ClusterShare(string path) => this.path = path;

    /// <summary>Holds both locks afterwards; <see cref="Entered"/> lets the next server in.</summary>
    public static async Task<ClusterShare> EnterAsync(string path, CancellationToken ct)
    {
        var share = new ClusterShare(path);
        share.changing = await share.LockAsync(".lock", FileShare.None, EnterTimeout, ct)
            ?? throw new EmbeddedPostgresException($"Another server has been starting or stopping the cluster of {path} for {EnterTimeout}.");
        share.use = share.TryLock(".in-use", FileShare.ReadWrite)
            ?? throw new EmbeddedPostgresException($"{path}.in-use cannot be locked: another program holds it.");
        return share;
    }

    public void Entered() => Release(ref changing);

    /// <summary>
    /// Gives up the use. True where nobody else uses the cluster, and then nobody can begin to until this is disposed.
    /// </summary>
    public async Task<bool> LeaveAsync(CancellationToken ct)
    {
        changing ??= await LockAsync(".lock", FileShare.None, EnterTimeout, ct);
        Release(ref use);
        if (changing is null)
        {
            return false;
        }
        use = await LockAsync(".in-use", FileShare.None, LastTimeout, ct);
        return use is not null;
    }

    public void Dispose()
    {
        Release(ref use);
        Release(ref changing);
    }

    private async Task<FileStream?> LockAsync(string suffix, FileShare others, TimeSpan timeout, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (TryLock(suffix, others) is { } held)
            {
                return held;
            }
            if (clock.Elapsed > timeout)
            {
                return null;
            }
            await Task.Delay(PollInterval, ct);
        }
    }

    private FileStream? TryLock(string suffix, FileShare others)
    {
        try
        {
            return new FileStream(path + suffix, FileMode.OpenOrCreate, FileAccess.ReadWrite, others);
        }
        catch (IOException held) when (held.GetType() == typeof(IOException))
        {
            return null;
        }
    }

    private static void Release(ref FileStream? held)
    {
        held?.Dispose();
        held = null;
    }
}
