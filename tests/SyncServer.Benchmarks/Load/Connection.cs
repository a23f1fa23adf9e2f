using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SyncServer.Benchmarks.Load;

/// <summary>
/// One HTTP/1.1 connection that sends a request, waits for the answer, and sends the next: two system calls and the wait for a
/// request. It knows of HTTP what this server answers with: a Content-Length, or one run of chunks.
/// </summary>
internal sealed class Connection : IDisposable
{
    private readonly LoadRun _run;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SocketAsyncEventArgs _receive = new();
    private readonly RequestBuffer _request = new();
    private readonly Slot _slot;
    private byte[] _answer = new byte[16 * 1024];
    private int _received;
    private long _sent;

    public Connection(LoadRun run, IPEndPoint server, int number)
    {
        _run = run;
        _slot = new Slot { Connection = number };
        _socket.Connect(server);
        _receive.Completed += (_, _) => Advance();
    }

    /// <summary>Begins; the run hears by <see cref="LoadRun.Ended"/> when this connection has no more to send.</summary>
    public void Begin()
    {
        if (Send() && !Receive())
        {
            Advance();
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _receive.Dispose();
    }

    /// <summary>Bytes have arrived. Goes on for as long as answers are there at once.</summary>
    private void Advance()
    {
        do
        {
            if (_receive.SocketError != SocketError.Success || _receive.BytesTransferred == 0)
            {
                _run.Fail($"A connection was closed: {_receive.SocketError}.");
                _run.Ended();
                return;
            }

            _received += _receive.BytesTransferred;
            if (Status() is not 0 and var status)
            {
                _run.Add(_slot, status, Stopwatch.GetTimestamp() - _sent, _answer.AsSpan(0, _received));
                if (!Send())
                {
                    return;
                }
            }
        }
        while (!Receive());
    }

    private bool Send()
    {
        if (!_run.Next(_slot, _request.Clear()))
        {
            _run.Ended();
            return false;
        }

        _received = 0;
        _sent = Stopwatch.GetTimestamp();
        var bytes = _request.Bytes;
        while (bytes.Length > 0)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }

        return true;
    }

    /// <summary>Whether the answer is still on its way; otherwise bytes are there.</summary>
    private bool Receive()
    {
        if (_received == _answer.Length)
        {
            Array.Resize(ref _answer, _answer.Length * 2);
        }

        _receive.SetBuffer(_answer, _received, _answer.Length - _received);
        return _socket.ReceiveAsync(_receive);
    }

    /// <summary>The status of the answer once it is whole; until then 0.</summary>
    private int Status()
    {
        var answer = _answer.AsSpan(0, _received);
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return 0;
        }

        var status = Number(answer["HTTP/1.1 ".Length..]);
        var at = answer[..head].IndexOf("\r\nContent-Length: "u8);
        var whole = at >= 0
            ? answer.Length - head - 4 >= Number(answer[(at + "\r\nContent-Length: ".Length)..])
            : status is 204 or 304 || answer.EndsWith("\r\n0\r\n\r\n"u8);
        return whole ? status : 0;
    }

    private static int Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out int number, out _) ? number : throw new InvalidDataException("The answer is not the HTTP that this client knows.");
}
