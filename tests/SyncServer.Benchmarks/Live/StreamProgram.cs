using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using SyncServer.Benchmarks.Load;
using SyncServer.Benchmarks.Workloads;

namespace SyncServer.Benchmarks.Live;

/// <summary>
/// Streams or long polls, and somebody who pushes, as a process of its own: a specification as the first line of its input; then
/// <c>open N</c>, <c>push SECONDS</c>, <c>warm SECONDS</c> and <c>close</c>, each answered with one line.
/// </summary>
internal sealed class StreamProgram(StreamSpec spec) : IDisposable
{
    /// <summary>
    /// Between the beginnings of two pushes: a stream at the head gathers for 20 ms before it reads again, and what is measured is
    /// one that is at rest.
    /// </summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);

    /// <summary>Twice what the protocol promises; who waits longer has lost a change.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>So many at once that the server's queue of new connections does not overflow.</summary>
    private const int OpenedAtOnce = 32;

    private readonly Phones _phones = new(spec.Secret, spec.Phones, spec.Seed);
    private readonly IPEndPoint _server = new(IPAddress.Loopback, spec.Port);
    private readonly List<Listener> _listeners = [];
    private readonly byte[] _received = new byte[16 * 1024];
    private readonly Socket _pusher = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public static async Task<int> RunAsync()
    {
        using var program = new StreamProgram(JsonSerializer.Deserialize<StreamSpec>((await Console.In.ReadLineAsync())!)!);
        program._pusher.Connect(program._server);
        while (await Console.In.ReadLineAsync() is { } command)
        {
            object answer = true;
            switch (command.Split(' '))
            {
                case ["open", var count]:
                    await program.OpenAsync(int.Parse(count));
                    break;
                case ["push", var seconds]:
                    answer = await program.PushAsync(TimeSpan.FromSeconds(int.Parse(seconds)), Pace);
                    break;
                case ["warm", var seconds]:
                    answer = await program.PushAsync(TimeSpan.FromSeconds(int.Parse(seconds)), TimeSpan.Zero);
                    break;
                case ["close"]:
                    program.Close();
                    break;
            }

            // What follows an answer runs on the one thread that waits for sockets, and waiting for the next command would stop it.
            await Task.Yield();
            Console.Out.WriteLine(JsonSerializer.Serialize(answer));
        }

        return 0;
    }

    public void Dispose()
    {
        Close();
        _pusher.Dispose();
    }

    private void Close()
    {
        _listeners.ForEach(listener => listener.Dispose());
        _listeners.Clear();
    }

    private async Task OpenAsync(int count)
    {
        for (var at = 0; at < count; at += OpenedAtOnce)
        {
            Listener[] more = [.. Enumerable.Range(at, Math.Min(OpenedAtOnce, count - at)).Select(i => new Listener(_phones, i % spec.Phones, spec.Waits))];
            foreach (var listener in more)
            {
                // One connection for all who ask for their head.
                var head = await AskAsync(listener.Phone, (to, phone) =>
                    _phones.Head(to, "GET"u8, "/v1/spaces/me/sync/changes?cursor=now"u8, phone).Put("\r\n"u8));
                await listener.OpenAsync(_server, Cursors.Of(Encoding.ASCII.GetBytes(head)).ToArray());
            }

            _listeners.AddRange(more);
        }
    }

    /// <summary>Pushes one op after the other, each once everybody who listens has the one before.</summary>
    private async Task<StreamWindow> PushAsync(TimeSpan lasting, TimeSpan pace)
    {
        var (answers, deliveries) = (new Histogram(), new Histogram());
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < lasting)
        {
            var phone = _listeners[_phones.Random.Next(_listeners.Count)].Phone;
            var telling = _listeners.Where(listener => listener.Phone == phone).Select(listener => listener.NextAsync()).ToArray();
            var sent = Stopwatch.GetTimestamp();
            await AskAsync(phone, Create);
            answers.Add(Microseconds(sent, Stopwatch.GetTimestamp()));
            var told = Task.WhenAll(telling);
            if (await Task.WhenAny(told, Task.Delay(Patience)) != told)
            {
                throw new TimeoutException(
                    $"{telling.Count(task => !task.IsCompleted)} of {telling.Length} listeners of {Tokens.Principal(phone)} were not told of push {answers.Count} within {Patience.TotalSeconds} s.");
            }

            foreach (var arrived in await told)
            {
                deliveries.Add(Microseconds(sent, arrived));
            }

            var rest = pace - Stopwatch.GetElapsedTime(sent);
            if (rest > TimeSpan.Zero)
            {
                await Task.Delay(rest);
            }
        }

        return new StreamWindow(answers.Count, answers.At(0.5), deliveries.At(0.5), deliveries.At(0.99));
    }

    private void Create(RequestBuffer to, int phone)
    {
        var opId = _phones.NewId();
        _phones.Push(to, "/v1/spaces/me/sync/ops"u8, phone, opId).Put("Sync-Device: a\r\n"u8).BeginBody();
        Phones.Create(to, opId, _phones.NewId()).EndBody();
    }

    /// <summary>The whole answer to one request, which has to be a success.</summary>
    private async Task<string> AskAsync(int phone, Action<RequestBuffer, int> write)
    {
        var request = new RequestBuffer();
        write(request, phone);
        await _pusher.SendAsync(request.Bytes.ToArray());
        return await Answers.ReadAsync(_pusher, _received, Answers.LastChunk);
    }

    private static long Microseconds(long from, long to) => (to - from) * 1_000_000 / Stopwatch.Frequency;
}
