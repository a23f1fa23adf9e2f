using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Live;

/// <summary>One block of a stream: an event, or a comment alone.</summary>
internal sealed record Block(string? Event, string? Id, string Data, bool IsComment)
{
    public JsonNode Json => JsonNode.Parse(Data)!;

    /// <summary>The ids of the records that an event of changes carries.</summary>
    public string[] Records => [.. Json["changes"]!.AsArray().Select(change => change!["id"]!.ToString())];
}

/// <summary>A stream as a client reads it, block by block.</summary>
internal sealed class LiveStream(HttpResponseMessage response, StreamReader reader) : IAsyncDisposable
{
    public HttpResponseMessage Response => response;

    public static async Task<LiveStream> OpenAsync(Device device, string query = "", params (string Name, string Value)[] headers) =>
        await OfAsync(await device.OpenAsync("sync/stream" + query, headers).WaitAsync(Patience.Whole));

    public static async Task<LiveStream> OfAsync(HttpResponseMessage response)
    {
        Assert.Equal((200, "text/event-stream"), ((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        return new LiveStream(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
    }

    /// <summary>The next block, comments included; null where the stream has ended.</summary>
    public async Task<Block?> BlockAsync()
    {
        var block = new Block(null, null, "", false);
        while (await reader.ReadLineAsync().WaitAsync(Patience.Whole) is { } line)
        {
            if (line.Length == 0)
            {
                return block;
            }

            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            block = line[..Math.Max(0, colon)] switch
            {
                "event" => block with { Event = line[(colon + 2)..] },
                "id" => block with { Id = line[(colon + 2)..] },
                "data" => block with { Data = block.Data + line[(colon + 2)..] },
                _ => block with { IsComment = line == ":" },
            };
        }

        return null;
    }

    /// <summary>The next event; null where the stream has ended.</summary>
    public async Task<Block?> EventAsync()
    {
        var block = await BlockAsync();
        while (block is { Event: null })
        {
            block = await BlockAsync();
        }

        return block;
    }

    /// <summary>The records of the next events until there are so many, and the id of the last event.</summary>
    public async Task<(List<string> Records, string Id)> RecordsAsync(int count)
    {
        var records = new List<string>();
        var id = "";
        while (records.Count < count)
        {
            var block = await EventAsync();
            Assert.NotNull(block);
            records.AddRange(block.Records);
            id = block.Id!;
        }

        return (records, id);
    }

    /// <summary>Returns when the stream has ended, also by a connection that was cut; fails where it goes on.</summary>
    public async Task EndAsync()
    {
        try
        {
            await Patience.UntilAsync(async () => await BlockAsync() is null, "the stream ends");
        }
        catch (Exception cut) when (cut is IOException or HttpRequestException)
        {
            // The end all the same.
        }
    }

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        response.Dispose();
        return ValueTask.CompletedTask;
    }
}
