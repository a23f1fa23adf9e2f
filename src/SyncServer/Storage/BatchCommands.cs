using Npgsql;
using NpgsqlTypes;

namespace SyncServer.Storage;

/// <summary>Parameters in their order, typed where they are made, so that nothing is looked up or boxed when they are sent.</summary>
internal static class BatchCommands
{
    /// <summary>Adds an array, or a single value.</summary>
    public static NpgsqlBatchCommand With<T>(this NpgsqlBatchCommand command, T value)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        return command;
    }

    /// <summary>Adds a parameter as it is.</summary>
    public static NpgsqlBatchCommand With(this NpgsqlBatchCommand command, NpgsqlParameter parameter)
    {
        command.Parameters.Add(parameter);
        return command;
    }

    /// <summary>Adds an array of texts, which are in UTF-8.</summary>
    public static NpgsqlBatchCommand WithText(this NpgsqlBatchCommand command, List<ReadOnlyMemory<byte>> texts)
    {
        command.Parameters.Add(new NpgsqlParameter<List<ReadOnlyMemory<byte>>> { TypedValue = texts, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return command;
    }

    /// <summary>Adds an array of JSON documents.</summary>
    public static NpgsqlBatchCommand WithJson(this NpgsqlBatchCommand command, List<ReadOnlyMemory<byte>?> documents)
    {
        command.Parameters.Add(new NpgsqlParameter<List<ReadOnlyMemory<byte>?>>
        {
            TypedValue = documents,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Json,
        });
        return command;
    }
}
