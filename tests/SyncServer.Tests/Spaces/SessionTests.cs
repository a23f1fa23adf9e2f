using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using SyncServer.Core;
using SyncServer.Tests.Servers;
using static SyncServer.Tests.Servers.Device;

namespace SyncServer.Tests.Spaces;

/// <summary><c>GET /v1/session</c> and the settings that it publishes (protocol 8).</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task The_first_call_of_all_finds_a_personal_space()
    {
        var alice = New();
        var session = await alice.GetAsync("/v1/session");
        Assert.Equal((200, "private, no-cache"), (session.Status, session.Header("Cache-Control")));
        Assert.Contains("Authorization", session.Header("Vary"), StringComparison.Ordinal);
        Assert.Equal((alice.Principal, "false", "false"), (session["principal"], session["operator"], session["hasMore"]));
        Assert.Equal((await alice.PullAsync())["epoch"], session["epoch"]);
        var age = DateTimeOffset.UtcNow - DateTimeOffset.Parse(session["serverTime"]!, CultureInfo.InvariantCulture);
        Assert.InRange(age, TimeSpan.FromMinutes(-1), TimeSpan.FromMinutes(1));
        var space = Assert.Single(session.Body["spaces"]!.AsArray())!;
        Assert.Equal($$"""{"id":"{{space["id"]}}","name":"me","role":"owner","personal":true,"head":0}""", space.ToJsonString());
        Assert.Equal("{}", session.Body["entities"]!.ToJsonString());
    }

    [Fact]
    public async Task All_spaces_of_the_caller_are_listed_with_role_and_head()
    {
        var (alice, bob) = (New(), New());
        await bob.PushAsync("create", "n1", 0, "{}");
        var (owner, shared) = await alice.SharedAsync();
        await owner.PutMemberAsync(bob.Principal, "reader");
        var spaces = (await bob.GetAsync("/v1/session")).Body["spaces"]!.AsArray();
        Assert.Equal(["me owner true 1", "Team reader false 2"],
            spaces.Select(space => $"{space!["name"]} {space["role"]} {space["personal"]} {space["head"]}"));
        Assert.Equal(shared, spaces[1]!["id"]!.ToString());
        Assert.Equal(200, (await bob.In(spaces[0]!["id"]!.ToString()).PullAsync()).Status);

        await owner.RemoveMemberAsync(bob.Principal);
        Assert.Single((await bob.GetAsync("/v1/session")).Body["spaces"]!.AsArray());
    }

    [Fact]
    public async Task Spaces_come_in_pages_where_there_are_many()
    {
        var alice = New();
        for (var i = 0; i < 4; i++)
        {
            await alice.SharedAsync();
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await alice.GetAsync("/v1/session?limit=2" + (cursor is null ? "" : $"&cursor={cursor}"));
            seen.AddRange(page.Body["spaces"]!.AsArray().Select(space => space!["id"]!.ToString()));
            cursor = page["cursor"];
            Assert.Equal(cursor is null ? "false" : "true", page["hasMore"]);
        }
        while (cursor is not null);

        var all = (await alice.GetAsync("/v1/session")).Body["spaces"]!.AsArray().Select(space => space!["id"]!.ToString());
        Assert.Equal(all, seen);
        Assert.Equal(5, seen.Count);
        Assert.Equal((400, 400), ((await alice.GetAsync("/v1/session?cursor=x")).Status, (await alice.GetAsync("/v1/session?limit=x")).Status));
    }

    [Fact]
    public async Task An_operator_is_told_so() => Assert.Equal("true",
        (await new Device(TestServers.A, Somebody() + ":admin", "phone").GetAsync("/v1/session"))["operator"]);

    [Fact]
    public async Task Limits_presets_and_retentions_are_published_as_operators_set_them()
    {
        await using var server = await TestServers.StartAsync("--Sync:PushBatchMax=3", "--Sync:RetryCapMs=9000", "--Sync:IdempotencyRetention=7");
        var alice = New(server);
        var session = (await alice.GetAsync("/v1/session")).Body;
        Assert.Equal((3, 4194304, 1000), ((int)session["limits"]!["pushBatchMax"]!, (int)session["limits"]!["pushBytesMax"]!, (int)session["limits"]!["pullPageMax"]!));
        Assert.Equal("""{"retryBaseMs":500,"retryCapMs":9000,"retryJitter":0.5,"pollIntervalSeconds":30,"idempotencyRetention":"P7D"}""",
            session["presets"]!.ToJsonString());
        Assert.Equal("""{"idempotencyRetention":"P7D","tombstones":"P90D","history":"P365D"}""", session["retentions"]!.ToJsonString());
        string[] limits = [.. Instance(typeof(Limits)).Select(limit => JsonNamingPolicy.CamelCase.ConvertName(limit.Name))];
        Assert.Equal(limits.Order(StringComparer.Ordinal), session["limits"]!.AsObject().Select(limit => limit.Key).Order(StringComparer.Ordinal));

        string[] ops = [.. Enumerable.Range(0, 4).Select(i => Op("create", $"n{i}", 0, "{}"))];
        Assert.Equal((413, 200), ((await alice.BatchAsync(ops)).Status, (await alice.BatchAsync(ops.Take(3))).Status));
    }

    [Theory]
    [InlineData("PushBatchMax", "0")]
    [InlineData("PushBatchMax", "many")]
    [InlineData("PullPageMax", "2147483647")]
    [InlineData("PullPageDefault", "5000")]
    [InlineData("RecordBytesMax", "-1")]
    [InlineData("RecordBytesMax", "200000000")]
    [InlineData("RetryJitter", "1.5")]
    [InlineData("RetryCapMs", "1")]
    [InlineData("IdempotencyRetention", "00:00:00")]
    [InlineData("HistoryRetention", "1")]
    [InlineData("Retention:Interval", "-00:01:00")]
    [InlineData("Retention:Interval", "00:00:00.001")]
    [InlineData("Retention:Interval", "1.00:00:01")]
    [InlineData("Retention:Interval", "often")]
    [InlineData("Retention:ClockTolerance", "00:00:00")]
    [InlineData("Retention:ClockTolerance", "36501.00:00:00")]
    public void A_setting_that_makes_no_sense_stops_the_start_and_is_named(string key, string value)
    {
        var failure = Record.Exception(() => SyncServer.ServerHost.Build([$"--Sync:{key}={value}"]));
        Assert.True(failure is OptionsValidationException or InvalidOperationException, failure?.ToString());
        Assert.Contains($"Sync:{key}", failure!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(typeof(Limits))]
    [InlineData(typeof(Presets))]
    [InlineData(typeof(Retentions))]
    public void Every_setting_has_bounds(Type settings) =>
        Assert.All(Instance(settings).Where(setting => setting.CanWrite), setting => Assert.True(
            setting.IsDefined(typeof(System.ComponentModel.DataAnnotations.RangeAttribute)), setting.Name));

    [Fact]
    public void Without_settings_the_defaults_are_valid() =>
        Assert.Equal(new SyncSettings(new Limits(), new Presets(), new Retentions()), SyncSettings.Read(new ConfigurationBuilder().Build()));

    private static IEnumerable<PropertyInfo> Instance(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance);
}
