using Npgsql;

namespace SyncServer.Retention;

/// <summary>The database's clock, which decides nothing: a server compares its own with it before it takes anything away.</summary>
internal sealed class DatabaseClock(NpgsqlDataSource source)
{
    /// <summary>What it says now.</summary>
    public async Task<DateTimeOffset> ReadAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("SELECT clock_timestamp()");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return reader.GetFieldValue<DateTimeOffset>(0);
    }
}
