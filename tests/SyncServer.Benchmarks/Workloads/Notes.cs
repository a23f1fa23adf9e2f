using SyncServer.Benchmarks.Load;

namespace SyncServer.Benchmarks.Workloads;

/// <summary>Notes that are there before a run: as many in each phone's personal space. The op that made a note has its id.</summary>
internal sealed class Notes(Phones phones, int perSpace)
{
    private readonly Guid[] _ids = [.. Enumerable.Range(0, phones.Count * perSpace).Select(_ => phones.NewId())];
    private readonly int[] _revs = new int[phones.Count * perSpace];
    private readonly bool[] _busy = new bool[phones.Count * perSpace];

    public Phones Phones => phones;

    public int PerSpace => perSpace;

    public Guid Id(int space, int record) => _ids[At(space, record)];

    public int Rev(Slot slot) => _revs[At(slot.Space, slot.Record)];

    /// <summary>Picks a note at random that no other connection writes to, until it is given back by <see cref="Release"/>.</summary>
    public void Take(Slot slot)
    {
        do
        {
            slot.Space = phones.Random.Next(phones.Count);
            slot.Record = phones.Random.Next(perSpace);
        }
        while (_busy[At(slot.Space, slot.Record)]);
        _busy[At(slot.Space, slot.Record)] = true;
    }

    /// <summary>One revision higher, and free.</summary>
    public void Release(Slot slot)
    {
        _revs[At(slot.Space, slot.Record)]++;
        _busy[At(slot.Space, slot.Record)] = false;
    }

    private int At(int space, int record) => (space * perSpace) + record;

    /// <summary>
    /// Makes the notes, in batches. With <paramref name="edited"/> each is at revision 2 afterwards, whose change is the title's.
    /// </summary>
    internal sealed class Making(Notes notes, bool edited) : Workload
    {
        private const int BatchSize = 100;
        private int _next;

        public override bool Write(Slot slot, RequestBuffer to)
        {
            if (_next == notes._ids.Length)
            {
                return false;
            }

            var space = _next / notes.PerSpace;
            var end = Math.Min(_next + BatchSize, (space + 1) * notes.PerSpace);
            notes.Phones.Head(to, "POST"u8, "/v1/spaces/me/sync/batch"u8, space).Put("Sync-Device: a\r\n"u8).BeginBody().Put("{\"ops\":["u8);
            for (; _next < end; _next++)
            {
                var id = notes._ids[_next];
                Phones.Create(to, id, id);
                notes._revs[_next] = 1;
                if (edited)
                {
                    Phones.Update(to.Put(","u8), notes.Phones.NewId(), id, (BaseRev: 1, Title: true, Value: 2));
                    notes._revs[_next] = 2;
                }

                to.Put(_next + 1 < end ? ","u8 : "]}"u8);
            }

            to.EndBody();
            return true;
        }

        public override bool Answered(Slot slot, int status, ReadOnlySpan<byte> answer) => Batches.AreApplied(status, answer);
    }
}
