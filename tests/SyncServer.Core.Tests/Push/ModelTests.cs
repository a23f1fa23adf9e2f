using FsCheck;
using FsCheck.Fluent;
using SyncServer.Core.Json;
using SyncServer.Core.Push;

namespace SyncServer.Core.Tests.Push;

/// <summary>
/// Random sequences of pushes by two people with two devices each, on two records of three fields. <see cref="Space"/>
/// itself checks that every accepted write can be undone to every earlier revision, and that revisions and seqs have no gaps.
/// </summary>
public class ModelTests
{
    private static readonly (string Principal, string Device)[] Devices = [("alice", "phone"), ("alice", "laptop"), ("bob", "phone"), ("bob", "")];

    /// <summary>One op before it knows the revisions: <paramref name="Back"/> says how far its base lies behind the current one.</summary>
    private sealed record Step(int Device, string Id, string Kind, int Back, JsonObject Patch, int? N);

    private static readonly Gen<Step> Steps =
        from device in Gen.Choose(0, 3)
        from id in Gen.Elements("r", "s")
        from kind in Gen.Frequency((8, Gen.Constant("update")), (1, Gen.Constant("create")), (2, Gen.Constant("delete")), (1, Gen.Constant("restore")))
        from back in Gen.Choose(0, 4)
        from patch in Worlds.Patches
        from n in Gen.Choose(0, 9)
        select new Step(device, id, kind, back, patch, n > 7 ? null : n);

    private static readonly Gen<Step[]> Runs = Gen.ArrayOf(Steps).Resize(12);

    private static string Op(Step step, int i, Space space)
    {
        var baseRev = step.Kind == "create" ? 0 : Math.Max(0, (space.Find(step.Id)?.Rev ?? 0) - step.Back);
        var patch = step.Kind is "create" or "update" ? $",\"patch\":{step.Patch}" : "";
        var n = step.N is { } counter ? $",\"n\":{counter}" : "";
        return $$"""{{Client.Head($"op{i}", step.Kind, step.Id)}},"baseRev":{{baseRev}}{{patch}}{{n}}}""";
    }

    private static Client Of(Space space, Step step) => space.Client(Devices[step.Device].Principal, Devices[step.Device].Device);

    private static Space Begun()
    {
        var space = new Space();
        space.Client("bob", "phone").Create("begin", """{"a":1,"b":{"a":1,"b":1}}""");
        return space;
    }

    [Fact]
    public void Every_op_has_an_answer_and_a_repeat_has_the_same_and_no_effect() =>
        Property.Holds(Runs, run =>
        {
            var space = Begun();
            var asked = new List<(Client Client, string Op, Answer Answer)>();
            foreach (var (step, i) in run.Select((step, i) => (step, i)))
            {
                var (client, op) = (Of(space, step), Op(step, i, space));
                asked.Add((client, op, client.One(op)));
            }

            var changes = space.Changes.Count;
            Assert.All(asked.Where(op => op.Answer.Outcome.IsStored), op =>
            {
                var repeat = op.Client.One(op.Op);
                Assert.True(repeat.Outcome.Replayed);
                Assert.Equal(op.Answer.Outcome.Body.ToArray(), repeat.Outcome.Body.ToArray());
            });
            Assert.Equal(changes, space.Changes.Count);
            Assert.Equal(Enumerable.Range(1, changes).Select(seq => (long)seq), space.Changes.Select(change => change.Seq));
        }, worlds: 300);

    [Fact]
    public void A_batch_decides_like_its_ops_alone_and_a_dry_run_like_both() =>
        Property.Holds(Runs, run =>
        {
            var (alone, together) = (Begun(), Begun());
            string[] ops = [.. run.Where(step => step.Device == 0).Select((step, i) => Op(step, i, alone))];
            var expected = ops.Select(op => alone.Client("alice", "phone").One(op)).ToList();
            var dry = together.Client("alice", "phone").DryRun(ops);
            var batch = together.Client("alice", "phone").Batch(ops);
            Assert.All(Enumerable.Range(0, ops.Length), i =>
            {
                Answer.Same(expected[i].Body, batch[i].Body);
                Answer.Same(MergePatch.Apply(expected[i].Body, Worlds.Parsed("""{"conflictId":null}""")), dry[i].Body);
            });
            Assert.Equal(alone.Changes.Select(change => change.Patch?.ToString().Length), together.Changes.Select(change => change.Patch?.ToString().Length));
        }, worlds: 300);

    [Fact]
    public void An_atomic_batch_is_applied_whole_or_leaves_nothing() =>
        Property.Holds(Runs, run =>
        {
            var space = Begun();
            string[] ops = [.. run.Where(step => step.Device == 0).Select((step, i) => Op(step, i, space))];
            var before = space.Changes.Count;
            var answers = space.Client("alice", "phone").Atomic(ops);
            Assert.True(answers.All(answer => answer.Outcome.IsSuccess)
                || (space.Changes.Count == before && answers.All(answer => !answer.Outcome.IsSuccess)
                    && answers.Count(answer => answer.Summary != "424 batch-failed") == 1));
        }, worlds: 300);

    /// <summary>An edit of flat fields, and who made it: enough to say by the words of protocol 4 what the next one does.</summary>
    private sealed record Edit(int Device, int? N, JsonObject Sent, JsonObject After, bool MadeRevision);

    [Fact]
    public void Flat_fields_are_decided_as_the_table_says() =>
        Property.Holds(Gen.ArrayOf(
            from device in Gen.Choose(0, 3)
            from back in Gen.Choose(0, 4)
            from patch in Worlds.FlatData
            from n in Gen.Choose(0, 5)
            select (device, back, patch, n)).Resize(10), run =>
        {
            var space = Begun();
            space.Client("bob", "laptop").Update("flat", 1, """{"b":1}""");
            var edits = new List<Edit>();
            foreach (var ((device, back, patch, n), i) in run.Select((step, i) => (step, i)))
            {
                // The device's counter is on all of its ops or on none; without a conflict of its own nothing can be joined.
                int? counter = device % 2 == 0 ? n : null;
                var step = new Step(device, "r", "update", Math.Min(back, edits.Count(edit => edit.MadeRevision)), patch, counter);

                // From the first revision that the device did not see; what agreed after it is the device's too.
                var first = step.Back == 0 ? edits.Count : edits.FindIndex(edit => edit == edits.Where(e => e.MadeRevision).ElementAt(^step.Back));
                var since = edits.Skip(first).ToList();
                var seen = first == 0 ? Worlds.Parsed("""{"a":1,"b":1}""") : edits[first - 1].After;
                var expected = Expected(step, seen, since, space.Find()!.Data!.Value);
                var answer = Of(space, step).One(Op(step, i, space));
                Assert.Equal(expected is null, answer.Summary == "409 conflict");
                if (expected is null)
                {
                    space.Resolve(Of(space, step), $"op{i}", forOp: false);
                    continue;
                }

                Assert.Equal(expected.Value.Merged ? OutcomeState.Merged : OutcomeState.Applied, answer.Outcome.State);
                Answer.Same(expected.Value.Data, space.Find()!.Data!.Value);
                edits.Add(new Edit(device, counter, patch, expected.Value.Data, space.Changes[^1].OpId == $"op{i}"));
            }
        }, worlds: 500);

    /// <summary>Field by field; null is a conflict.</summary>
    private static (JsonObject Data, bool Merged)? Expected(Step step, JsonObject seen, List<Edit> since, JsonObject theirs)
    {
        // Without a device nothing is own.
        var own = since.Where(edit => edit.Device == step.Device && Devices[step.Device].Device.Length > 0).ToList();
        JsonValue? Held(string name) => own.Where(edit => edit.Sent[name] is not null).OrderBy(edit => edit.N).LastOrDefault()?.Sent[name] ?? seen[name];
        var names = theirs.Members.Concat(seen.Members).Select(member => member.Key).Concat(own.SelectMany(edit => edit.Sent.Members.Select(member => member.Key)));

        // Merged where somebody else changed something since, in state and not in history, or where a later own op stays.
        var merged = names.Any(name => !JsonValue.Same(theirs[name], Held(name)));
        var data = theirs;
        foreach (var (name, yours) in step.Patch.Members)
        {
            var touching = own.Where(edit => edit.Sent[name] is not null).ToList();
            if (touching.Exists(edit => edit.N > step.N))
            {
                merged = true;
                continue;
            }

            var basis = touching.Count == 0 ? seen[name] : touching.OrderBy(edit => edit.N).Last().Sent[name];
            if (JsonValue.Same(yours, basis) || JsonValue.Same(yours, theirs[name]))
            {
                continue;
            }

            if (!JsonValue.Same(theirs[name], basis))
            {
                return null;
            }

            data = MergePatch.Apply(data, JsonObject.Of((name, yours)));
        }

        return (data, merged);
    }
}
