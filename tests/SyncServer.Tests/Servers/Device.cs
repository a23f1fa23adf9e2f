using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace SyncServer.Tests.Servers;

/// <summary>One answer of a server, read whole.</summary>
public sealed record Answer(int Status, byte[] Bytes, HttpResponseHeaders Headers, string? ContentType)
{
    /// <summary>The body as JSON.</summary>
    public JsonNode Body => JsonNode.Parse(Bytes)!;

    /// <summary>A header's value as it was sent, or null.</summary>
    public string? Header(string name) => Headers.NonValidated.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    /// <summary>A member of the body as text, for example <c>record.rev</c>.</summary>
    public string? this[string path] => path.Split('.').Aggregate((JsonNode?)Body, (node, name) => node?[name])?.ToString();
}

/// <summary>A phone: a principal on a device, speaking plain HTTP to one server about one space.</summary>
public sealed class Device(TestServer server, string principal, string name, string space = "me")
{
    /// <summary>A principal that no other test knows.</summary>
    public static string Somebody() => "p" + Guid.NewGuid().ToString("n");

    /// <summary>An id that no other test knows.</summary>
    public static string NewId() => Guid.NewGuid().ToString();

    /// <summary>A device of somebody new.</summary>
    public static Device New(TestServer? server = null, string name = "phone") => new(server ?? TestServers.A, Somebody(), name);

    /// <summary>Who.</summary>
    public string Principal => principal;

    /// <summary>Another device of the same principal, perhaps at another server.</summary>
    public Device Other(string other, TestServer? at = null) => new(at ?? server, principal, other, space);

    /// <summary>The same device in another space.</summary>
    public Device In(string other) => new(server, principal, name, other);

    /// <summary>Sends a request under the space's path.</summary>
    public async Task<Answer> SendAsync(HttpMethod method, string path, string? json = null, params (string Name, string Value)[] headers)
    {
        using var client = server.As(principal);
        using var request = Request(method, path, json, headers);
        using var response = await client.SendAsync(request);
        return new Answer((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(), response.Headers,
            response.Content.Headers.ContentType?.MediaType);
    }

    /// <summary>GET under the space's path; the answer as soon as its headers are there, for one that does not end by itself.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string path, params (string Name, string Value)[] headers)
    {
        using var client = server.As(principal);
        using var request = Request(HttpMethod.Get, path, json: null, headers);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>GET under the space's path.</summary>
    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    /// <summary>Pushes one op.</summary>
    public Task<Answer> PushAsync(string op, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, "sync/ops", op, headers);

    /// <summary>Pushes one op on a note; the id of the op is new.</summary>
    public Task<Answer> PushAsync(string kind, string id, long? baseRev = null, string? patch = null, long? n = null) =>
        PushAsync(Op(kind, id, baseRev, patch, n));

    /// <summary>Pushes a batch.</summary>
    public Task<Answer> BatchAsync(IEnumerable<string> ops, string flags = "") =>
        SendAsync(HttpMethod.Post, "sync/batch", $$"""{"ops":[{{string.Join(',', ops)}}]{{flags}}}""");

    /// <summary>One page of a pull.</summary>
    public Task<Answer> PullAsync(string query = "") => GetAsync("sync/changes" + query);

    /// <summary>Everything from a cursor to the head, page by page, and the cursor at the end.</summary>
    public async Task<(List<JsonNode> Changes, string Cursor)> PullAllAsync(string? cursor = null, int limit = 100)
    {
        var changes = new List<JsonNode>();
        while (true)
        {
            var page = await PullAsync($"?limit={limit}" + (cursor is null ? "" : $"&cursor={cursor}"));
            Assert.True(page.Status == 200, $"{page.Status} {Encoding.UTF8.GetString(page.Bytes)}");
            changes.AddRange(page.Body["changes"]!.AsArray().Select(change => change!));
            cursor = page["cursor"]!;
            if (page["hasMore"] == "false")
            {
                return (changes, cursor);
            }
        }
    }

    /// <summary>An op as JSON, on a note unless another entity is given; its id is new unless given.</summary>
    public static string Op(
        string kind, string id, long? baseRev = null, string? patch = null, long? n = null, string? opId = null, string more = "", string entity = "note")
    {
        var op = new StringBuilder($$"""{"opId":"{{opId ?? NewId()}}","entity":"{{entity}}","entityId":"{{id}}","kind":"{{kind}}" """);
        op.Append(baseRev is null ? "" : string.Create(CultureInfo.InvariantCulture, $",\"baseRev\":{baseRev}"));
        op.Append(patch is null ? "" : $",\"patch\":{patch}");
        op.Append(n is null ? "" : string.Create(CultureInfo.InvariantCulture, $",\"n\":{n}"));
        return op.Append(more).Append('}').ToString();
    }

    private HttpRequestMessage Request(HttpMethod method, string path, string? json, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : $"/v1/spaces/{space}/{path}");
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        if (name.Length > 0)
        {
            request.Headers.Add("Sync-Device", name);
        }

        foreach (var (header, value) in headers)
        {
            if (header == "Content-Type")
            {
                request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(value);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(header, value);
            }
        }

        return request;
    }
}
