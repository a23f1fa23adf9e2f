using System.Text;
using SyncServer.Benchmarks.Load;

namespace SyncServer.Benchmarks.Workloads;

/// <summary>Cursors of personal spaces, as their phones keep them.</summary>
internal sealed class Cursors(Phones phones)
{
    private readonly byte[]?[] _cursors = new byte[]?[phones.Count];

    public Phones Phones => phones;

    public ReadOnlySpan<byte> this[int space] => _cursors[space];

    public void Keep(int space, ReadOnlySpan<byte> answer) => _cursors[space] = Of(answer).ToArray();

    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> answer)
    {
        var from = answer.LastIndexOf("\"cursor\":\""u8) + "\"cursor\":\""u8.Length;
        return answer.Slice(from, answer[from..].IndexOf((byte)'"'));
    }

    /// <summary>One pull in every space, which gives its cursor.</summary>
    internal sealed class Fetching(Cursors cursors, string query) : Workload
    {
        private readonly byte[] _path = Encoding.ASCII.GetBytes($"/v1/spaces/me/sync/changes?{query}");
        private int _next;

        public override bool Write(Slot slot, RequestBuffer to)
        {
            if (_next == cursors.Phones.Count)
            {
                return false;
            }

            slot.Space = _next++;
            cursors.Phones.Head(to, "GET"u8, _path, slot.Space).Put("\r\n"u8);
            return true;
        }

        public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer)
        {
            if (status == 200)
            {
                cursors.Keep(slot.Space, answer);
            }

            return status == 200;
        }
    }
}

/// <summary>The page behind the cursor of a random space, again and again.</summary>
/// <param name="cursors">Where the pages begin.</param>
/// <param name="idle">Whether nothing lies behind them; otherwise a full page of 100 does.</param>
internal sealed class Pulls(Cursors cursors, bool idle) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        slot.Space = cursors.Phones.Random.Next(cursors.Phones.Count);
        // The path ends the head's first line, so it is written in parts.
        to.Put("GET /v1/spaces/me/sync/changes?limit=100&cursor="u8).Put(cursors[slot.Space]).Put(" HTTP/1.1\r\nHost: localhost\r\n"u8)
            .Put(cursors.Phones.Authorization(slot.Space)).Put("\r\n"u8);
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) =>
        status == 200 && answer.IndexOf(idle ? "\"changes\":[]"u8 : "\"hasMore\":true"u8) >= 0;
}

/// <summary>A whole space from the beginning, page by page, and again.</summary>
internal sealed class FirstSyncs(Phones phones) : Workload
{
    private byte[] _cursor = [];

    public override int OpsPerRequest => 1000;

    public override bool Write(Slot slot, RequestBuffer to)
    {
        to.Put("GET /v1/spaces/me/sync/changes?limit=1000"u8);
        if (_cursor.Length > 0)
        {
            to.Put("&cursor="u8).Put(_cursor);
        }

        to.Put(" HTTP/1.1\r\nHost: localhost\r\n"u8).Put(phones.Authorization(0)).Put("\r\n"u8);
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer)
    {
        _cursor = status == 200 && answer.IndexOf("\"hasMore\":true"u8) >= 0 ? Cursors.Of(answer).ToArray() : [];
        return status == 200;
    }
}
