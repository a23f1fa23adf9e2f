using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SyncServer.Storage;
using SyncServer.Tests.Servers;
using SyncServer.Tests.Storage;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Restore;

/// <summary>Real backups of a real cluster, put back: what the server notices, what devices are told, and that they converge.</summary>
public sealed class RestoreTests
{
    private const string Lost = "a: written after, c: made after";

    [Fact]
    public async Task A_base_backup_that_is_put_back_shows_by_the_first_cursor_that_it_cannot_know_and_all_devices_converge()
    {
        await using var cluster = await RestorableCluster.StartedAsync();
        var (phone, tablet, before) = await LivedAsync(cluster);
        var old = phone.Epoch!;
        await cluster.StopAsync();
        await cluster.PutBackAsync();
        await cluster.StartAsync();
        await using var server = await TestServer.StartAsync(cluster.ConnectionString);
        phone.MoveTo(server);
        tablet.MoveTo(server);

        // The same cluster and the same timeline: nothing shows yet, and a write on a lost revision is refused all the same.
        Assert.Equal(old, await EpochAsync(tablet));
        Assert.Equal(200, (await tablet.Device.PullAsync($"?cursor={tablet.Cursor}")).Status);
        var unknown = await phone.Device.PushAsync(Op("update", "a", 2, """{"title":"later"}"""), ("Sync-Epoch", old));
        Assert.Equal((410, "ahead", old), (unknown.Status, unknown["reason"], unknown["epoch"]));

        var ahead = await phone.Device.PullAsync($"?cursor={phone.Cursor}");
        var epoch = await EpochAsync(phone);
        Assert.Equal((410, "ahead", epoch), (ahead.Status, ahead["reason"], ahead["epoch"]));
        Assert.Equal(("keep", "from-start", "send-again"), (ahead["plan.outbox"], ahead["plan.pull"], ahead["plan.undelivered"]));
        Assert.NotEqual(old, epoch);
        await AreToldAsync(tablet, old, epoch, before);
        await ConvergeAsync(phone, tablet);
        Assert.Equal(epoch, await EpochAsync(phone));
    }

    [Fact]
    public async Task A_recovery_to_a_point_in_time_begins_an_epoch_before_the_first_request()
    {
        await using var cluster = await RestorableCluster.StartedAsync(archives: true);
        var (phone, tablet, before) = await LivedAsync(cluster);
        var old = phone.Epoch!;
        await cluster.StopAsync();
        await cluster.PutBackAsync("before");
        await cluster.StartAsync();
        await using var server = await TestServer.StartAsync(cluster.ConnectionString);
        phone.MoveTo(server);
        tablet.MoveTo(server);

        var epoch = await EpochAsync(phone);
        Assert.NotEqual(old, epoch);
        await AreToldAsync(phone, old, epoch, before);
        await AreToldAsync(tablet, old, epoch, before);
        await ConvergeAsync(phone, tablet);
        await using var again = await TestServer.StartAsync(cluster.ConnectionString);
        Assert.Equal(epoch, await EpochAsync(tablet));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Servers_that_run_on_while_their_database_is_exchanged_come_to_one_new_epoch_before_they_write(bool timeline)
    {
        await using var cluster = await RestorableCluster.StartedAsync(archives: timeline);
        await using var a = await TestServer.StartAsync(cluster.ConnectionString);
        await using var b = await TestServer.StartAsync(cluster.ConnectionString);
        var (phone, tablet, _) = await LivedAsync(cluster, a);
        await LookAsync(a, cluster);
        await LookAsync(b, cluster);
        await cluster.StopAsync();
        await (timeline ? cluster.PutBackAsync("before") : cluster.PutBackAsync());
        await cluster.StartAsync();

        var answers = await Task.WhenAll(
            FirstAsync(phone.Device, phone.Epoch!), FirstAsync(tablet.Device.Other("tablet", b), phone.Epoch!));
        var epoch = await cluster.ScalarAsync("SELECT epoch FROM server");
        Assert.Equal([(410, "epoch", epoch), (410, "epoch", epoch)], answers.Select(answer => (answer.Status, answer["reason"], (object?)answer["epoch"])));
        Assert.NotEqual(phone.Epoch, epoch);
        await ConvergeAsync(phone, tablet);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_dump_that_is_restored_elsewhere_is_another_history(bool sameCluster)
    {
        await using var cluster = await RestorableCluster.StartedAsync();
        var (phone, tablet, before) = await LivedAsync(cluster);
        await cluster.ScalarAsync("CREATE DATABASE restored");
        await using var elsewhere = await ScratchDatabase.CreateAsync();
        var restored = sameCluster
            ? new NpgsqlConnectionStringBuilder(cluster.ConnectionString) { Database = "restored" }.ConnectionString
            : elsewhere.ConnectionString;
        await cluster.RestoreDumpAsync(restored);
        await using var server = await TestServer.StartAsync(restored);
        phone.MoveTo(server);
        tablet.MoveTo(server);
        var epoch = await EpochAsync(phone);
        Assert.NotEqual(phone.Epoch, epoch);
        await AreToldAsync(phone, phone.Epoch!, epoch, before);
        await ConvergeAsync(phone, tablet);
    }

    /// <summary>
    /// Two devices, and a backup between what both know and what only the phone knows. The third is an op that was
    /// acknowledged before the backup.
    /// </summary>
    private static async Task<(OfflinePhone Phone, OfflinePhone Tablet, string Before)> LivedAsync(RestorableCluster cluster, TestServer? at = null)
    {
        var server = at ?? await TestServer.StartAsync(cluster.ConnectionString);
        var device = New(server);
        var (phone, tablet) = (new OfflinePhone(device, "phone"), new OfflinePhone(device, "tablet"));
        phone.Create("a", "written before");
        phone.Create("b", "deleted after");
        await phone.SyncAsync();
        var before = Op("create", "z", 0, "{}");
        Assert.Equal(201, (await device.PushAsync(before)).Status);
        Assert.Equal(200, (await device.PushAsync("delete", "z", 1)).Status);
        await tablet.SyncAsync();
        await cluster.TakeBackupAsync();
        await cluster.DumpAsync();
        await cluster.ScalarAsync("SELECT pg_create_restore_point('before')");

        phone.Change("a", "written after");
        phone.Create("c", "made after");
        phone.Delete("b");
        await phone.SyncAsync();
        // More log than the restored cluster writes before anybody looks.
        await cluster.ScalarAsync("SELECT pg_switch_wal()");
        Assert.Equal(Lost, phone.Shown);
        Assert.Equal("a: written before, b: deleted after", tablet.Shown);
        if (at is null)
        {
            await server.DisposeAsync();
        }

        return (phone, tablet, before);
    }

    /// <summary>What a device of the old epoch is told: nothing of it is stored, and what was decided before the backup still is.</summary>
    private static async Task AreToldAsync(OfflinePhone phone, string old, string epoch, string before)
    {
        var pull = await phone.Device.PullAsync($"?cursor={phone.Cursor}");
        Assert.Equal((410, "/problems/resync-required", "epoch", epoch), (pull.Status, pull["type"], pull["reason"], pull["epoch"]));
        Assert.Equal("no-store", pull.Header("Cache-Control"));
        var op = Op("create", NewId(), 0, """{"title":"new"}""");
        var push = await phone.Device.PushAsync(op, ("Sync-Epoch", old));
        Assert.Equal((410, "epoch", epoch), (push.Status, push["reason"], push["epoch"]));
        var undecided = (await phone.Device.BatchAsync([op], ",\"dryRun\":true")).Body["results"]![0]!;
        Assert.Equal(("201", null), (undecided["status"]!.ToString(), undecided["replayed"]));
        var repeat = await phone.Device.PushAsync(before, ("Sync-Epoch", old));
        Assert.Equal((201, "true"), (repeat.Status, repeat.Header("Idempotent-Replayed")));
    }

    /// <summary>The phone brings back what the restore took, an edit that waited included.</summary>
    private static async Task ConvergeAsync(OfflinePhone phone, OfflinePhone tablet)
    {
        phone.Change("c", "waited");
        tablet.Create("d", "waited too");
        await tablet.SyncAsync();
        Assert.Equal("a: written before, b: deleted after, d: waited too", tablet.Shown);
        await phone.SyncAsync();
        await tablet.SyncAsync();
        const string all = "a: written after, c: waited, d: waited too";
        var fresh = new OfflinePhone(phone.Device, "new");
        await fresh.SyncAsync();
        Assert.Equal((all, all, all), (phone.Shown, tablet.Shown, fresh.Shown));
        Assert.Equal(phone.Epoch, tablet.Epoch);
    }

    private static async Task<string> EpochAsync(OfflinePhone phone) => (await phone.Device.GetAsync("/v1/session"))["epoch"]!;

    /// <summary>The first answer that is not 503.</summary>
    private static async Task<Answer> FirstAsync(Device device, string epoch)
    {
        Answer? answer = null;
        await Patience.UntilAsync(async () =>
        {
            answer = await device.PushAsync(Op("create", NewId(), 0, "{}"), ("Sync-Epoch", epoch));
            return answer.Status != 503;
        }, "the server answers");
        return answer!;
    }

    /// <summary>What the server does by itself once a second.</summary>
    private static async Task LookAsync(TestServer server, RestorableCluster cluster)
    {
        await using var connection = new NpgsqlConnection(cluster.ConnectionString);
        await connection.OpenAsync();
        await server.App.Services.GetRequiredService<ServerIdentity>().LookAsync(connection, default);
    }
}
