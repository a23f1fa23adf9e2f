using System.Text.Json.Nodes;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Restore;

/// <summary>
/// A device with a local store and an outbox, which does what the protocol says in 5 and 10. Its records are notes with a
/// title.
/// </summary>
internal sealed class OfflinePhone(Device owner, string name)
{
    private readonly SortedDictionary<string, Note> notes = new(StringComparer.Ordinal);
    private readonly List<Edit> outbox = [];
    private string? cursor;

    private sealed record Note(long Rev, bool Deleted, string? Title);

    private sealed record Edit(string OpId, string Kind, string Id, long BaseRev, string? Title)
    {
        public string Json => Device.Op(Kind, Id, BaseRev, Title is null ? null : $$"""{"title":"{{Title}}"}""", opId: OpId);
    }

    public Device Device { get; private set; } = owner.Other(name);

    /// <summary>The epoch that it knows.</summary>
    public string? Epoch { get; private set; }

    /// <summary>The cursor of its last page.</summary>
    public string Cursor => cursor!;

    /// <summary>What its user sees: every live note, sorted.</summary>
    public string Shown => string.Join(", ", notes.Where(note => !note.Value.Deleted).Select(note => $"{note.Key}: {note.Value.Title}"));

    /// <summary>The same device, which talks to another server now.</summary>
    public void MoveTo(TestServer server) => Device = Device.Other(name, server);

    public void Create(string id, string title) => Queue("create", id, title);

    public void Change(string id, string title) => Queue("update", id, title);

    public void Delete(string id) => Queue("delete", id, null);

    /// <summary>Pulls, sends the outbox, pulls what came of it; and begins again where the server has another history.</summary>
    public async Task SyncAsync()
    {
        while (await PullAsync() is not null || !await SendAsync() || await PullAsync() is not null)
        {
            await BeginAgainAsync();
        }
    }

    /// <summary>Sends the outbox; false where the server has another history, and the rest stays.</summary>
    private async Task<bool> SendAsync()
    {
        while (outbox.Count > 0)
        {
            var answer = await Device.PushAsync(outbox[0].Json, ("Sync-Epoch", Epoch!));
            if (answer.Status == 410 && answer["type"] == "/problems/resync-required")
            {
                return false;
            }

            Assert.True(answer.Status is 200 or 201, $"{answer.Status} {answer["type"]} {answer["detail"]}");
            outbox.RemoveAt(0);
            Take(answer.Body["record"]!);
        }

        return true;
    }

    private void Queue(string kind, string id, string? title)
    {
        outbox.Add(new Edit(Device.NewId(), kind, id, notes.GetValueOrDefault(id)?.Rev ?? 0, title));
    }

    /// <summary>Pulls to the head; the answer where that is 410.</summary>
    private async Task<Answer?> PullAsync()
    {
        while (true)
        {
            var page = await Device.PullAsync(cursor is null ? "" : $"?cursor={cursor}");
            if (page.Status == 410)
            {
                return page;
            }

            Assert.Equal(200, page.Status);
            foreach (var record in page.Body["changes"]!.AsArray())
            {
                Take(record!);
            }

            (cursor, Epoch) = (page["cursor"], page["epoch"]);
            if (page["hasMore"] == "false")
            {
                return null;
            }
        }
    }

    private void Take(JsonNode record)
    {
        var (id, rev) = (record["id"]!.GetValue<string>(), record["rev"]!.GetValue<long>());
        if (rev > (notes.GetValueOrDefault(id)?.Rev ?? 0))
        {
            notes[id] = new Note(rev, record["deleted"]!.GetValue<bool>(), record["data"]?["title"]?.GetValue<string>());
        }
    }

    /// <summary>
    /// Keeps the outbox and starts without a cursor; what the server lacks, or has older, is sent again as new ops. Edits that
    /// waited are made anew behind them where their base is one of the revisions that were lost.
    /// </summary>
    private async Task BeginAgainAsync()
    {
        var mine = notes.ToArray();
        notes.Clear();
        cursor = null;
        Assert.Null(await PullAsync());
        var waiting = outbox.ToArray();
        outbox.Clear();
        foreach (var (id, note) in mine)
        {
            if (!notes.ContainsKey(id) && !note.Deleted)
            {
                // A first pull leaves out what was deleted: it is asked for, so that nobody's delete is undone.
                var record = await Device.GetAsync($"records/note/{id}");
                if (record.Status == 410)
                {
                    Take(record.Body["current"]!);
                }
            }

            var theirs = notes.GetValueOrDefault(id);
            if (note.Rev > (theirs?.Rev ?? 0) && !(note.Deleted && theirs is null))
            {
                outbox.Add(new Edit(Device.NewId(), theirs is null ? "create" : note.Deleted ? "delete" : "update", id, theirs?.Rev ?? 0, note.Title));
            }
        }

        Assert.True(await SendAsync());
        foreach (var edit in waiting)
        {
            var rev = notes.GetValueOrDefault(edit.Id)?.Rev ?? 0;
            outbox.Add(edit.BaseRev > rev ? edit with { OpId = Device.NewId(), BaseRev = rev } : edit);
        }
    }
}
