namespace SyncServer.Storage;

/// <summary>
/// SQL that takes arrays apart into rows, $1 the first column and so on. It does so in the list of a SELECT, where all of them are taken
/// apart side by side: in FROM each would be kept whole in a store of its own first, which is a tenth of what an insert of wide rows costs.
/// </summary>
internal static class Arrays
{
    private const StringSplitOptions Names = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    /// <summary>The rows as a table <c>k</c>.</summary>
    /// <param name="columns">The names of its columns, with commas in between.</param>
    public static string Rows(string columns) => $"(SELECT {string.Join(", ", columns.Split(',', Names).Select((name, at) => $"unnest(${at + 1}) AS {name}"))}) AS k";

    /// <summary>The same with the place of each row, from 1, as a column <c>i</c>.</summary>
    /// <param name="columns">The names of the others.</param>
    public static string NumberedRows(string columns) => Rows(columns).Insert("(SELECT ".Length, "generate_subscripts($1, 1) AS i, ");

    /// <summary>Inserts the rows.</summary>
    /// <param name="table">Into this table.</param>
    /// <param name="columns">The names of its columns that there are arrays for, with commas in between.</param>
    public static string InsertInto(string table, string columns) =>
        $"INSERT INTO {table} ({columns}) SELECT {string.Join(", ", columns.Split(',', Names).Select((_, at) => $"unnest(${at + 1})"))}";
}
