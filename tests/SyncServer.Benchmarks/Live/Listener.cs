using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Workloads;

namespace SyncServer.Benchmarks.Live;

/// <summary>One open stream, or one long poll that is sent again whenever it is answered, on a connection of its own.</summary>
internal sealed class Listener(Phones phones, int phone, bool waits) : IDisposable
{
    /// <summary>More than a page of one change.</summary>
    private const int Room = 8 * 1024;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _received = new byte[Room];
    private readonly RequestBuffer _request = new();
    private byte[] _cursor = [];
    private TaskCompletionSource<long>? _told;
    private bool _closing;

    public int Phone => phone;

    /// <summary>The moment at which the next change has arrived, as <see cref="Stopwatch.GetTimestamp"/>.</summary>
    public Task<long> NextAsync() =>
        (_told = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Returns once the server has this listener at rest, or has been sent its wait. From then on it listens.</summary>
    /// <param name="server">Where.</param>
    /// <param name="cursor">The head of the phone's space.</param>
    public async Task OpenAsync(EndPoint server, byte[] cursor)
    {
        _cursor = cursor;
        await _socket.ConnectAsync(server);
        await SendAsync();
        if (!waits)
        {
            // A stream begins with a comment. At its cursor there is nothing to tell.
            await Answers.ReadAsync(_socket, _received, end: "\n:\n\n");
        }

        _ = ListenAsync();
    }

    public void Dispose()
    {
        _closing = true;
        _socket.Dispose();
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var answer = await Answers.ReadAsync(_socket, _received, end: waits ? Answers.LastChunk : "\n\n");
                var arrived = Stopwatch.GetTimestamp();
                if (answer.Contains("\"opId\":", StringComparison.Ordinal))
                {
                    Interlocked.Exchange(ref _told, null)?.TrySetResult(arrived);
                }

                if (waits)
                {
                    _cursor = Cursors.Of(Encoding.ASCII.GetBytes(answer)).ToArray();
                    await SendAsync();
                }
            }
        }
        catch (Exception) when (_closing)
        {
            // Closing ends the read that is always open.
        }
        catch (Exception trouble)
        {
            var told = Volatile.Read(ref _told);
            if (told is null || !told.TrySetException(trouble))
            {
                await Console.Error.WriteLineAsync($"A listener ended: {trouble.Message}");
                Environment.Exit(1);
            }
        }
    }

    private async Task SendAsync()
    {
        _request.Clear().Put(waits ? "GET /v1/spaces/me/sync/changes?cursor="u8 : "GET /v1/spaces/me/sync/stream?cursor="u8).Put(_cursor)
            .Put(" HTTP/1.1\r\nHost: localhost\r\n"u8).Put(phones.Authorization(phone)).Put(waits ? "Prefer: wait=25\r\n\r\n"u8 : "\r\n"u8);
        await _socket.SendAsync(_request.Bytes.ToArray());
    }
}
