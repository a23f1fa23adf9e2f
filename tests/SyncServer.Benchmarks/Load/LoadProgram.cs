using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SyncServer.Benchmarks.Workloads;

namespace SyncServer.Benchmarks.Load;

/// <summary>What the load generator is told before it begins.</summary>
/// <param name="Workload">Its name, as in <see cref="LoadProgram"/>.</param>
/// <param name="Ports">Where the servers listen on the loopback; connections are split evenly.</param>
/// <param name="Connections">How many are open.</param>
/// <param name="Phones">How many principals there are, each with a personal space.</param>
/// <param name="Secret">The key of their tokens.</param>
/// <param name="Seed">Of all random choices.</param>
internal sealed record LoadSpec(string Workload, int[] Ports, int Connections, int Phones, byte[] Secret, int Seed);

/// <summary>
/// The load generator as a process of its own: a specification as the first line of its input; then <c>start</c>,
/// <c>measure</c> and <c>stop</c>, each answered with one line, any number of times. What it has prepared stays.
/// </summary>
internal static class LoadProgram
{
    /// <summary>Connections while rows are made; the server is not measured then. Their batches keep within the share of one space in its queue.</summary>
    private const int MakingConnections = 8;

    public const int BatchSize = 50;

    /// <summary>Spaces that pages are read from, at the server and in pgbench: few enough to stay in shared buffers, so that no disk is measured.</summary>
    public const int PagedSpaces = 200;

    /// <summary>Records in each of them: a page, and a few more.</summary>
    public const int PagedRecords = 110;

    public const int FirstSyncRecords = 100_000;

    public static async Task<int> RunAsync()
    {
        var spec = JsonSerializer.Deserialize<LoadSpec>((await Console.In.ReadLineAsync())!)!;
        IPEndPoint[] servers = [.. spec.Ports.Select(port => new IPEndPoint(IPAddress.Loopback, port))];
        var phones = new Phones(spec.Secret, spec.Workload switch { "firstsync" => 1, "pull" => PagedSpaces, _ => spec.Phones }, spec.Seed);
        var (making, workload) = await PrepareAsync(spec, phones);
        // What follows an answer runs on the one thread that waits for sockets, and waiting for the next command would stop it.
        await Task.Yield();
        foreach (var step in making)
        {
            using var run = new LoadRun(step, servers, MakingConnections);
            run.Start();
            if (run.Finish().Unexpected is { } unexpected)
            {
                throw new InvalidDataException($"The preparation of {spec.Workload} met an answer that it did not expect:\n{unexpected}");
            }
        }

        Console.Out.WriteLine(JsonSerializer.Serialize(workload.OpsPerRequest));
        LoadRun? current = null;
        while (await Console.In.ReadLineAsync() is { } command)
        {
            object answer = true;
            switch (command)
            {
                case "start":
                    current = new LoadRun(workload, servers, spec.Connections);
                    current.Start();
                    break;
                case "measure":
                    current!.Measure();
                    break;
                case "stop":
                    answer = current!.Stop();
                    current.Dispose();
                    break;
            }

            Console.Out.WriteLine(JsonSerializer.Serialize(answer));
        }

        return 0;
    }

    private static async Task<(Workload[] Making, Workload Workload)> PrepareAsync(LoadSpec spec, Phones phones)
    {
        switch (spec.Workload)
        {
            case "create":
                return ([new Cursors.Fetching(new Cursors(phones), "cursor=now")], new Creates(phones));
            case "batch":
                return ([new Cursors.Fetching(new Cursors(phones), "cursor=now")], new Batches(phones, BatchSize));
            case "hot":
                return ([], new HotCreates(phones, await ShareAsync(spec)));
            case "update":
                var updated = new Notes(phones, perSpace: 10);
                return ([new Notes.Making(updated, edited: false)], new Updates(updated));
            case "replay":
                var stored = new Notes(phones, perSpace: 10);
                return ([new Notes.Making(stored, edited: false)], new Replays(stored));
            case "merge":
                var merged = new Notes(phones, perSpace: 10);
                return ([new Notes.Making(merged, edited: true)], new Merges(merged));
            case "conflict":
                var contested = new Notes(phones, perSpace: 20);
                return ([new Notes.Making(contested, edited: true)], new Parkings(contested));
            case "pull":
                var paged = new Cursors(phones);
                // What other scenarios made in these spaces lies scattered before the cursor, and what is read side by side behind it.
                return ([new Cursors.Fetching(paged, "cursor=now"), new Notes.Making(new Notes(phones, PagedRecords), edited: false)], new Pulls(paged, idle: false));
            case "idle":
                var heads = new Cursors(phones);
                return ([new Cursors.Fetching(heads, "cursor=now")], new Pulls(heads, idle: true));
            case "firstsync":
                return ([new Notes.Making(new Notes(phones, FirstSyncRecords), edited: false)], new FirstSyncs(phones));
            case "live" or "unrouted" or "malformed":
                return ([], new Probes(phones, spec.Workload switch { "live" => 200, "unrouted" => 404, _ => 400 }));
            default:
                throw new ArgumentException($"There is no workload {spec.Workload}.");
        }
    }

    /// <summary>A shared space whose members are the callers of the connections.</summary>
    private static async Task<Guid> ShareAsync(LoadSpec spec)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{spec.Ports[0]}") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Sign(Tokens.Principal(0), spec.Secret));
        using var made = await SendAsync(HttpMethod.Post, "/v1/spaces", new { name = "hot" });
        var id = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetGuid();
        for (var member = 1; member < spec.Connections; member++)
        {
            using var added = await SendAsync(HttpMethod.Put, $"/v1/spaces/{id}/members/{Tokens.Principal(member)}", new { role = "writer" });
        }

        return id;

        async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object body)
        {
            using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
            request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
            return (await client.SendAsync(request)).EnsureSuccessStatusCode();
        }
    }
}
