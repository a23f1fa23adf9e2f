using Npgsql;
using SyncServer.Tests.Records;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Spaces;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Push.OutcomeTests;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Retention;

/// <summary>Protocol 3.3: a late repeat is told that its answer is gone, and never has a second effect.</summary>
[Collection(RetentionServersCollection.Name)]
public sealed class OutcomeRetentionTests(RetentionServers servers)
{
    [Fact]
    public async Task A_late_repeat_is_410_with_what_became_of_the_op_and_has_no_effect()
    {
        var phone = servers.New();
        var op = Op("create", "n", 0, """{"a":1}""");
        Assert.Equal(201, (await phone.PushAsync(op)).Status);
        await phone.PushAsync("update", "n", 1, """{"a":2}""");
        var (_, cursor) = await phone.PullAllAsync();
        await servers.LaterAsync(0.9);
        Assert.Equal((201, "true"), ((await phone.PushAsync(op)).Status, (await phone.PushAsync(op)).Header("Idempotent-Replayed")));

        await servers.LaterAsync(0.2);
        var late = await phone.Other("phone", servers.B).PushAsync(op);
        Assert.Equal((410, "/problems/outcome-expired", "applied", "1", "true"), (
            late.Status, late["type"], late["state"], late["rev"], late.Header("Idempotent-Replayed")));
        Assert.Equal((null, null), (late.Header("ETag"), late.Header("Location")));
        Assert.Equal(cursor, (await phone.PullAsync($"?cursor={cursor}"))["cursor"]);
        Assert.Equal(["- - - 201 1 32"], await servers.LinesAsync(phone, """
            SELECT concat_ws(' ', coalesce(body::text, '-'), coalesce(etag, '-'), coalesce(location, '-'), status, rev, octet_length(fingerprint))
            FROM outcomes WHERE space_id = $space AND status = 201
            """));
    }

    [Fact]
    public async Task A_repeat_whose_answer_goes_between_its_two_reads_is_a_late_one()
    {
        const string Whole = "SELECT count(*)::text FROM outcomes WHERE body IS NOT NULL";
        await using var database = await ScratchDatabase.MigratedAsync();
        // The first read says how long the answer is; here, that takes it away.
        await database.LinesAsync("""
            CREATE SCHEMA early;
            CREATE FUNCTION early.octet_length(bytea) RETURNS int STRICT LANGUAGE plpgsql AS $$ BEGIN
                UPDATE public.outcomes SET body = NULL, etag = NULL, location = NULL WHERE body = $1;
                RETURN pg_catalog.octet_length($1);
            END $$
            """);
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        settings.Options = $"{settings.Options} -c search_path=early,pg_catalog,public".TrimStart();
        await using var server = await TestServer.StartAsync(settings.ConnectionString, "--Sync:Retention:Interval=00:00:00");
        var phone = New(server);
        var (one, other) = (Op("create", "n", 0, "{}"), Op("create", "m", 0, "{}"));
        Assert.Equal((201, 201), ((await phone.PushAsync(one)).Status, (await phone.PushAsync(other)).Status));

        Assert.Equal(["2"], await database.LinesAsync(Whole));
        var late = await phone.PushAsync(one);
        Assert.Equal((410, "/problems/outcome-expired", "applied", "1", "true"), (
            late.Status, late["type"], late["state"], late["rev"], late.Header("Idempotent-Replayed")));
        Assert.Equal(["1"], await database.LinesAsync(Whole));
        Assert.Equal(["410 True"], (await phone.BatchAsync([other])).Body["results"]!.AsArray()
            .Select(result => $"{result!["status"]} {result["replayed"]?.GetValue<bool>()}"));
        Assert.Equal(["0"], await database.LinesAsync(Whole));
    }

    [Fact]
    public async Task A_key_stays_taken_for_every_other_request()
    {
        var phone = servers.New();
        await phone.PushAsync(Op("create", "n", 0, """{"a":1}""", opId: "key"));
        await servers.LaterAsync(2);
        var other = await phone.PushAsync(Op("create", "m", 0, """{"a":1}""", opId: "key"));
        Assert.Equal((422, "/problems/idempotency-key-reused", "applied", "1"), (other.Status, other["type"], other["state"], other["rev"]));
    }

    [Fact]
    public async Task Every_kind_of_outcome_expires()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.Other("tablet").PushAsync("update", "n", 1, """{"a":2}""");
        var (space, member, gone) = (NewId(), NewId(), NewId());
        var shared = phone.In((await phone.CreateSpaceAsync("""{"name":"Team"}""", space))["id"]!);
        await shared.PutMemberAsync("bob", "reader");
        var doomed = (await phone.CreateSpaceAsync("""{"name":"Doomed"}"""))["id"]!;
        var conflict = (await phone.PushAsync(Op("update", "n", 1, """{"a":3}""", opId: "parked")))["conflictId"]!;
        (string What, string State, Func<Task<Answer>> Send)[] requests =
        [
            ("merged", "applied", () => phone.PushAsync(Op("update", "n", 1, """{"b":1}""", opId: "merged"))),
            ("no precondition held", "rejected", () => phone.PutAsync("n", "{}", RecordRequests.New, ("Idempotency-Key", "held"))),
            ("parked", "resolved", () => phone.PushAsync(Op("update", "n", 1, """{"a":3}""", opId: "parked"))),
            ("resolution", "applied", () => phone.SendAsync(HttpMethod.Post, $"conflicts/{conflict}/resolution", """{"choice":"mine"}""",
                ("Idempotency-Key", "resolution"), ("If-Match", "*"))),
            ("space", "applied", () => phone.CreateSpaceAsync("""{"name":"Team"}""", space)),
            ("member leaves", "applied", () => shared.RemoveMemberAsync("bob", member)),
            ("space erased", "applied", () => phone.EraseSpaceAsync(doomed, gone)),
        ];
        foreach (var (what, _, send) in requests)
        {
            var (first, again) = (await send(), await send());
            Assert.Equal((what, first.Status, "true"), (what, again.Status, again.Header("Idempotent-Replayed")));
        }

        await servers.LaterAsync(2);
        foreach (var (what, state, send) in requests)
        {
            var late = await send();
            Assert.Equal((what, 410, "/problems/outcome-expired", state, "true"), (
                what, late.Status, late["type"], late["state"], late.Header("Idempotent-Replayed")));
        }
    }

    [Fact]
    public async Task A_late_repeat_of_an_account_deletion_erases_nothing_again()
    {
        var phone = servers.New();
        var key = NewId();
        await phone.PushAsync("create", "n", 0, "{}");
        Assert.Equal((204, 204), ((await phone.EraseSpaceAsync("me", key)).Status, (await phone.EraseSpaceAsync("me", key)).Status));
        await phone.PushAsync("create", "later", 0, "{}");
        await servers.LaterAsync(2);
        var late = await phone.EraseSpaceAsync("me", key);
        Assert.Equal((410, "applied", null), (late.Status, late["state"], late["rev"]));
        Assert.Single((await phone.PullAllAsync()).Changes);
    }

    [Fact]
    public async Task An_open_conflict_does_without_the_answers_of_its_ops()
    {
        var phone = servers.New();
        await phone.PushAsync("create", "n", 0, """{"a":1}""");
        await phone.Other("tablet").PushAsync("update", "n", 1, """{"a":2}""");
        var op = Op("update", "n", 1, """{"a":3}""", opId: "parked");
        var conflict = (await phone.PushAsync(op))["conflictId"]!;
        await servers.LaterAsync(1.5);
        Assert.Equal((410, "conflict"), ((await phone.PushAsync(op)).Status, (await phone.PushAsync(op))["state"]));
        Assert.Equal((409, conflict), await JoinAsync());

        var depends = Op("create", "m", 0, "{}", more: ",\"dependsOn\":[\"parked\"]");
        Assert.Equal(424, (await phone.PushAsync(depends)).Status);
        var resolved = await phone.SendAsync(HttpMethod.Post, $"conflicts/{conflict}/resolution", """{"choice":"mine"}""",
            ("Idempotency-Key", NewId()), ("If-Match", "\"rev-2\""));
        Assert.Equal((200, "4"), (resolved.Status, resolved["record.data.a"]));
        Assert.Equal((410, "resolved"), ((await phone.PushAsync(op)).Status, (await phone.PushAsync(op))["state"]));
        Assert.Equal(201, (await phone.PushAsync(depends)).Status);

        async Task<(int Status, string? ConflictId)> JoinAsync()
        {
            var joined = await phone.PushAsync("update", "n", 1, """{"a":4}""");
            return (joined.Status, joined["conflictId"]);
        }
    }

    [Fact]
    public async Task In_an_atomic_batch_a_success_counts_as_applied_after_its_retention_too()
    {
        var phone = servers.New();
        string[] ops = [Op("create", "n", 0, """{"a":1}"""), Op("update", "n", 1, """{"a":2}"""), Op("create", "m", 0, "{}")];
        await phone.BatchAsync(ops[..2]);
        await servers.LaterAsync(2);
        var batch = await phone.BatchAsync(ops, ",\"atomic\":true");
        Assert.Equal(["410 True", "410 True", "201 "], batch.Body["results"]!.AsArray()
            .Select(result => $"{result!["status"]} {result["replayed"]?.GetValue<bool>()}"));
        Assert.Equal(["n", "m"], TombstoneTests.Ids((await phone.PullAllAsync()).Changes));
        Assert.Equal("2", (await phone.GetAsync("records/note/n"))["rev"]);
    }

    [Fact]
    public async Task More_than_a_step_takes_goes_in_one_round()
    {
        var phone = servers.New();
        var ids = Enumerable.Range(0, 500).Select(i => $"n{i}").ToList();
        foreach (var device in new[] { "a", "b" })
        {
            await phone.BatchAsync(ids.Select(id => Op("create", device + id, 0, "{}")));
            await phone.BatchAsync(ids.Select(id => Op("delete", device + id, 1)));
        }

        var (_, cursor) = await phone.PullAllAsync();
        await servers.LaterAsync(4);
        Assert.Equal(["2000 2000 1999 0 1 0"], await servers.LinesAsync(phone, """
            SELECT concat_ws(' ', head, tombstone_horizon, history_horizon, (SELECT count(*) FROM records WHERE space_id = $space AND seq IS NOT NULL),
                (SELECT count(*) FROM changes WHERE space_id = $space), (SELECT count(*) FROM outcomes WHERE space_id = $space AND body IS NOT NULL))
            FROM spaces WHERE space_id = $space
            """));
        Assert.Equal(200, (await phone.PullAsync($"?cursor={cursor}")).Status);
        Assert.Equal(["2000"], await servers.LinesAsync(phone, "SELECT count(*)::text FROM outcomes WHERE space_id = $space"));
    }
}
