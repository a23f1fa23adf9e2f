using System.Text;
using SyncServer.Benchmarks.Load;

namespace SyncServer.Benchmarks.Workloads;

/// <summary>Single creates in random personal spaces.</summary>
internal sealed class Creates(Phones phones) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        var opId = phones.NewId();
        phones.Push(to, "/v1/spaces/me/sync/ops"u8, phones.Random.Next(phones.Count), opId).Put("Sync-Device: a\r\n"u8).BeginBody();
        Phones.Create(to, opId, phones.NewId()).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => status == 201;
}

/// <summary>Single creates in one shared space, each connection a member.</summary>
internal sealed class HotCreates(Phones phones, Guid space) : Workload
{
    private readonly byte[] _path = Encoding.ASCII.GetBytes($"/v1/spaces/{space}/sync/ops");

    public override bool Write(Slot slot, RequestBuffer to)
    {
        var opId = phones.NewId();
        phones.Push(to, _path, slot.Connection, opId).Put("Sync-Device: a\r\n"u8).BeginBody();
        Phones.Create(to, opId, phones.NewId()).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => status == 201;
}

/// <summary>Batches of creates in random personal spaces.</summary>
internal sealed class Batches(Phones phones, int size) : Workload
{
    public override int OpsPerRequest => size;

    public override bool Write(Slot slot, RequestBuffer to)
    {
        phones.Head(to, "POST"u8, "/v1/spaces/me/sync/batch"u8, phones.Random.Next(phones.Count)).Put("Sync-Device: a\r\n"u8).BeginBody();
        to.Put("{\"ops\":["u8);
        for (var i = 0; i < size; i++)
        {
            Phones.Create(to, phones.NewId(), phones.NewId()).Put(i < size - 1 ? ","u8 : "]}"u8);
        }

        to.EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => AreApplied(status, answer);

    /// <summary>Whether no op of the batch was refused.</summary>
    public static bool AreApplied(int status, ReadOnlySpan<byte> answer) =>
        status == 200 && answer.IndexOf("\"status\":4"u8) < 0 && answer.IndexOf("\"status\":5"u8) < 0;
}

/// <summary>Updates at the current revision.</summary>
internal sealed class Updates(Notes notes) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        notes.Take(slot);
        var (opId, rev) = (notes.Phones.NewId(), notes.Rev(slot));
        notes.Phones.Push(to, "/v1/spaces/me/sync/ops"u8, slot.Space, opId).Put("Sync-Device: a\r\n"u8).BeginBody();
        Phones.Update(to, opId, notes.Id(slot.Space, slot.Record), (rev, Title: true, Value: rev + 1)).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer)
    {
        notes.Release(slot);
        return status == 200 && answer.IndexOf("\"applied\""u8) >= 0;
    }
}

/// <summary>Updates one revision behind, by two devices in turn, each of another field than the other: all of them merge.</summary>
internal sealed class Merges(Notes notes) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        notes.Take(slot);
        var (opId, rev) = (notes.Phones.NewId(), notes.Rev(slot));
        var odd = rev % 2 == 0;
        notes.Phones.Push(to, "/v1/spaces/me/sync/ops"u8, slot.Space, opId).Put(odd ? "Sync-Device: b\r\n"u8 : "Sync-Device: a\r\n"u8).BeginBody();
        // Revision 2 changed the title, so odd ones change the rank.
        Phones.Update(to, opId, notes.Id(slot.Space, slot.Record), (rev - 1, Title: !odd, Value: rev + 1)).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer)
    {
        notes.Release(slot);
        return status == 200 && answer.IndexOf("\"merged\""u8) >= 0;
    }
}

/// <summary>
/// Updates of a title that another device has changed since: all of them are parked. Each comes from a device of its own, so that
/// none joins a conflict that is there.
/// </summary>
internal sealed class Parkings(Notes notes) : Workload
{
    private int _next;

    public override bool Write(Slot slot, RequestBuffer to)
    {
        slot.Space = _next % notes.Phones.Count;
        slot.Record = _next / notes.Phones.Count % notes.PerSpace;
        var device = 1 + (_next / notes.Phones.Count / notes.PerSpace);
        _next++;
        var opId = notes.Phones.NewId();
        notes.Phones.Push(to, "/v1/spaces/me/sync/ops"u8, slot.Space, opId).Put("Sync-Device: b"u8).Put(device).Put("\r\n"u8).BeginBody();
        Phones.Update(to, opId, notes.Id(slot.Space, slot.Record), (BaseRev: 1, Title: true, Value: 1000 + device)).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => status == 409;
}

/// <summary>Repeats of ops that are stored, byte for byte.</summary>
internal sealed class Replays(Notes notes) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        slot.Space = notes.Phones.Random.Next(notes.Phones.Count);
        var id = notes.Id(slot.Space, notes.Phones.Random.Next(notes.PerSpace));
        notes.Phones.Push(to, "/v1/spaces/me/sync/ops"u8, slot.Space, id).Put("Sync-Device: a\r\n"u8).BeginBody();
        Phones.Create(to, id, id).EndBody();
        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) =>
        status == 201 && answer.IndexOf("Idempotent-Replayed: true"u8) >= 0;
}

/// <summary>Requests that end before the database: what HTTP alone costs.</summary>
internal sealed class Probes(Phones phones, int expected) : Workload
{
    public override bool Write(Slot slot, RequestBuffer to)
    {
        var phone = phones.Random.Next(phones.Count);
        switch (expected)
        {
            case 200:
                to.Put("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
                break;
            case 404:
                phones.Head(to, "GET"u8, "/v1/nothing"u8, phone).Put("\r\n"u8);
                break;
            default:
                var opId = phones.NewId();
                phones.Push(to, "/v1/spaces/me/sync/ops"u8, phone, opId).Put("Sync-Device: a\r\n"u8).BeginBody();
                // A whole op with one brace too many: read, authenticated, parsed to its end, and refused.
                Phones.Create(to, opId, phones.NewId()).Put("}"u8).EndBody();
                break;
        }

        return true;
    }

    public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => status == expected;
}
