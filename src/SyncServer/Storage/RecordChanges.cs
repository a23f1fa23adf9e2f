namespace SyncServer.Storage;

/// <summary>
/// SQL for the changes of one record by their revisions. Their index leaves out the first ones, so that a create has no part in it:
/// revision 1 is found by its position, which the change of revision 2 tells, or as long as there is none the record itself. Where the
/// change of revision 2 is purged, so is the first, which came before it.
/// </summary>
/// <remarks>
/// PostgreSQL uses an index that leaves rows out only where the statement itself says so, whatever its parameters are. And it is asked for
/// in its order, so that for an empty table no other one looks as good.
/// </remarks>
internal static class RecordChanges
{
    /// <summary>
    /// The changes as a subquery, each with all columns. Ordered by <c>rev DESC</c> they are read newest first and no further than is
    /// asked for; a first one is looked for only where it is among them.
    /// </summary>
    /// <param name="record">The alias of a row with a space_id, an entity and a record_id.</param>
    /// <param name="which">Says as a condition which of them, of the name of their revision.</param>
    public static string Of(string record, Func<string, string> which) => $"""
        ((SELECT * FROM changes WHERE {KeyOf(record)} AND rev > 1 AND {which("rev")} ORDER BY rev DESC)
        UNION ALL
        SELECT * FROM changes WHERE {KeyOf(record)} AND rev = 1 AND seq = CASE WHEN {which("1")} THEN coalesce(
            (SELECT first_seq FROM changes WHERE {KeyOf(record)} AND rev = 2), (SELECT seq FROM records WHERE {KeyOf(record)})) END)
        """;

    private static string KeyOf(string record) =>
        $"space_id = {record}.space_id AND entity = {record}.entity AND record_id = {record}.record_id";
}
