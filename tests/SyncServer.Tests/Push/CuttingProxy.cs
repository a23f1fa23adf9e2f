using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace SyncServer.Tests.Push;

/// <summary>When a connection to the database is cut.</summary>
internal enum Cut
{
    /// <summary>What the server sends to PostgreSQL after a transaction was begun never arrives there: nothing is committed.</summary>
    BeforeCommit,

    /// <summary>PostgreSQL has committed, and its answer never arrives.</summary>
    AfterCommit,
}

/// <summary>Stands between a server and PostgreSQL, and cuts one connection at a chosen point of a transaction.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly EndPoint _database;
    private int _armed = -1;

    public CuttingProxy(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        _database = settings.Host!.StartsWith('/')
            ? new UnixDomainSocketEndPoint($"{settings.Host}/.s.PGSQL.{settings.Port}")
            : new DnsEndPoint(settings.Host, settings.Port);
        _listener.Start();
        settings.Host = "127.0.0.1";
        settings.Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        ConnectionString = settings.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    /// <summary>How many connections were cut.</summary>
    public int Cuts { get; private set; }

    /// <summary>The next transaction that begins is cut when it comes to the point, and none after it.</summary>
    public void Arm(Cut cut) => Volatile.Write(ref _armed, (int)cut);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                open.Add(ServeAsync(await _listener.AcceptSocketAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var database = new Socket(_database.AddressFamily == AddressFamily.Unix ? AddressFamily.Unix : AddressFamily.InterNetwork,
            SocketType.Stream, _database.AddressFamily == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        using (client)
        {
            await database.ConnectAsync(_database, _stop.Token);
            var begun = new StrongBox();
            // Whichever side ends takes the other with it.
            await Task.WhenAny(
                CopyAsync(client, database, _ => begun.Value && Fires(Cut.BeforeCommit)),
                CopyAsync(database, client, sent =>
                {
                    begun.Value |= Volatile.Read(ref _armed) >= 0 && sent.IndexOf("BEGIN\0"u8) >= 0;
                    return begun.Value && sent.IndexOf("COMMIT\0"u8) >= 0 && Fires(Cut.AfterCommit);
                }));
        }
    }

    private bool Fires(Cut cut)
    {
        if (Interlocked.CompareExchange(ref _armed, -1, (int)cut) != (int)cut)
        {
            return false;
        }

        Cuts++;
        return true;
    }

    private delegate bool Watch(ReadOnlySpan<byte> sent);

    private async Task CopyAsync(Socket from, Socket to, Watch cuts)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(buffer, _stop.Token)) > 0 && !cuts(buffer.AsSpan(0, count)))
            {
                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other direction was closed, or the test is over.
            return;
        }
    }

    private sealed class StrongBox
    {
        public volatile bool Value;
    }
}
