using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using SyncServer.Core.Push;
using SyncServer.Core.Spaces;
using SyncServer.Http;
using SyncServer.Storage;
using SyncServer.Tests.Accounts;
using SyncServer.Tests.Servers;

namespace SyncServer.Tests.Storage;

/// <summary>What is said of plans that take long.</summary>
public sealed class PlanTimeTests
{
    [Fact]
    public async Task A_plan_that_outlasts_its_session_is_its_own_cause()
    {
        var options = new DatabaseOptions { IdleInTransactionTimeout = TimeSpan.FromMilliseconds(100) };
        await using var source = DataSource.Create(TestServers.ConnectionString, options);
        var transaction = new SpaceTransaction(
            source, TimeProvider.System, new SpaceHeads(), Unknown, Undefined(source), Options.Create(options), NullLogger<SpaceTransaction>.Instance);
        var space = await SpaceAsync();
        var lost = await Assert.ThrowsAnyAsync<Exception>(() => transaction.RunAsync(new LoadSpec(space, "alice", "phone"), Role.Writer, loaded =>
        {
            var begun = Stopwatch.GetTimestamp();
            WaitUntilFree(space);
            // PostgreSQL began to count before the plan did.
            SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(begun) >= options.IdleInTransactionTimeout);
            loaded.Plan.Tallies.Add("note", new Tally { Replayed = 1 });
            return new Decided<int>(1);
        }, default));
        Assert.Equal("planning took longer than Database:IdleInTransactionTimeout", Unavailability.CauseOf(lost));
    }

    [Theory]
    [InlineData(2, 1)]
    [InlineData(0, 0)]
    public async Task A_slow_plan_is_told_with_its_ops_and_its_space(int seconds, int lines)
    {
        await using var source = DataSource.Create(TestServers.ConnectionString, new DatabaseOptions());
        using var log = new Lines();
        using var loggers = new LoggerFactory([log]);
        var transaction = new SpaceTransaction(
            source, new Leaps(seconds), new SpaceHeads(), Unknown, Undefined(source), Options.Create(new DatabaseOptions()), loggers.CreateLogger<SpaceTransaction>());
        var spec = new LoadSpec(await SpaceAsync(), "alice", "phone") { Ops = 7 };
        await transaction.RunAsync(spec, Role.Writer, _ => new Decided<int>(1), default);
        Assert.Equal(
            Enumerable.Repeat($"Planning 7 ops took 2.0 s, during which space {spec.SpaceId} was held", lines), log.All);
    }

    private static KnownSpaces Unknown =>
        new(new ServerIdentity(Options.Create(new DatabaseOptions()), NullLogger<ServerIdentity>.Instance));

    private static UniqueRegister Undefined(Npgsql.NpgsqlDataSource source) =>
        new(source, SyncServer.Core.Entities.EntityDefinitions.None, NullLogger<UniqueRegister>.Instance);

    private static async Task<Guid> SpaceAsync()
    {
        var space = Guid.NewGuid();
        _ = TestServers.A;
        await Records.RecordRequests.RunAsync("""
            WITH made AS (
                INSERT INTO spaces (space_id, head, personal, created_at, history_horizon, tombstone_horizon, figures) VALUES ($1, 0, false, now(), 0, 0, '{}'))
            INSERT INTO members (space_id, principal, role) VALUES ($1, 'alice', 3)
            """, space);
        return space;
    }

    /// <summary>Returns as soon as PostgreSQL has ended the session that holds the space.</summary>
    private static void WaitUntilFree(Guid space)
    {
        using var connection = new NpgsqlConnection(TestServers.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand("SELECT head FROM spaces WHERE space_id = $1 FOR UPDATE", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = space });
        command.ExecuteScalar();
    }

    /// <summary>A clock by which every look is some seconds after the one before.</summary>
    private sealed class Leaps(int seconds) : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * seconds * TimestampFrequency;
    }
}
