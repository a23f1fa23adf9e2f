using System.Net;
using System.Text;

namespace SyncServer.Benchmarks.Load;

/// <summary>A workload on some connections, from <see cref="Start"/> until it is used up or stopped.</summary>
internal sealed class LoadRun : IDisposable
{
    /// <summary>A request that takes longer is a server that hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Characters of an unexpected answer that are worth showing.</summary>
    private const int Shown = 2000;

    private readonly Lock _lock = new();
    private readonly Workload _workload;
    private readonly Connection[] _connections;
    private readonly CountdownEvent _busy;
    private Window _window = new();
    private bool _stopping;
    private string? _unexpected;

    public LoadRun(Workload workload, IReadOnlyList<IPEndPoint> servers, int connections)
    {
        _workload = workload;
        _busy = new CountdownEvent(connections);
        _connections = [.. Enumerable.Range(0, connections).Select(i => new Connection(this, servers[i % servers.Count], i))];
    }

    public void Start()
    {
        foreach (var connection in _connections)
        {
            connection.Begin();
        }
    }

    /// <summary>What is answered from now on counts.</summary>
    public void Measure()
    {
        lock (_lock)
        {
            _window = new Window();
        }
    }

    /// <summary>Ends the window; no connection sends afterwards, and none waits for an answer.</summary>
    public WindowResult Stop()
    {
        WindowResult result;
        lock (_lock)
        {
            _stopping = true;
            result = _window.Result(_unexpected);
        }

        Wait();
        return result with { Unexpected = _unexpected };
    }

    /// <summary>Until the workload is used up.</summary>
    public WindowResult Finish()
    {
        _busy.Wait();
        return _window.Result(_unexpected);
    }

    public bool Next(Slot slot, RequestBuffer to)
    {
        lock (_lock)
        {
            return !_stopping && _workload.Write(slot, to);
        }
    }

    public void Add(Slot slot, int status, long ticks, ReadOnlySpan<byte> answer)
    {
        lock (_lock)
        {
            _window.Add(status, ticks, answer.Length);
            if (!_workload.Answered(slot, status, answer))
            {
                _unexpected ??= Encoding.UTF8.GetString(answer[..Math.Min(answer.Length, Shown)]);
                _stopping = true;
            }
        }
    }

    public void Fail(string reason)
    {
        lock (_lock)
        {
            _unexpected ??= reason;
            _stopping = true;
        }
    }

    public void Ended() => _busy.Signal();

    public void Dispose()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        _busy.Dispose();
    }

    private void Wait()
    {
        if (!_busy.Wait(Patience))
        {
            throw new TimeoutException($"{_busy.CurrentCount} requests were not answered within {Patience.TotalSeconds} s.");
        }
    }
}
