using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using SyncServer.Storage;

namespace SyncServer.Benchmarks.Machine;

/// <summary>
/// The statements that the server sends for one create into a space that it knows, as a pgbench script: one pipeline. Their text is the server's own; only the arguments are pgbench's, arrays of one row each. So
/// what lies between this and a push over HTTP is the server's process and the way to it.
/// </summary>
internal static partial class OwnPush
{
    // Ids as scattered as those of the server's spaces, so that as many pages of every index are written to.
    private const string Space = "ARRAY[md5('own-' || :space)]::uuid[]";
    private const string Principal = "ARRAY['pgbench-' || :space]::text[]";
    private const string Entity = "ARRAY['note']::text[]";
    private const string Record = "ARRAY['0190a7c2-8d41-7000-' || :record]::text[]";
    private const string OpId = "ARRAY['7f3b8f2a-3f2a-4b86-' || :op]::text[]";
    private const string Device = "ARRAY['a']::text[]";
    private const string Now = "ARRAY['2026-11-20T10:15:00Z']::timestamptz[]";
    private const string Fingerprint = @"ARRAY['\x2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae']::bytea[]";
    private const string Location = "ARRAY['/v1/spaces/00000000-0000-4000-8000-100000000001/records/note/0190a7c2-8d41-7000-' || :record]::text[]";

    // A pipeline cannot hand a result on, so head and figures are counted in pgbench: they rise, which is all that a row costs by them. What
    // the server knows of the row before is looked up, which costs little beside the rest.
    private const string Head = "ARRAY[:n]::bigint[]";
    private const string HeadBefore = "ARRAY[(SELECT head FROM spaces WHERE space_id = md5('own-' || :space)::uuid)]";
    private const string FiguresBefore = "ARRAY[(SELECT figures::text FROM spaces WHERE space_id = md5('own-' || :space)::uuid)]";
    private const string Figures = """
        ARRAY['{"note":{"live":' || :n || ',"sum":"b086da37a6e890f2","applied":' || :n || '}}']::json[]
        """;

    /// <summary>The script, with <c>@DATA@</c> and <c>@BODY@</c> where a note and an answer stand.</summary>
    public static string Script()
    {
        string[] write =
        [
            "BEGIN",
            Of(typeof(SpaceWrite), "Patience"),
            Of(typeof(SpaceWrite), "Counters", Space, Head, Figures, HeadBefore, FiguresBefore, "1", "false", "NULL::text"),
            Of(typeof(MadeRows), "Made", Space, Head, Entity, Record, OpId, Principal, Device, "ARRAY[NULL]::bigint[]", Now, "ARRAY[:tag]::bigint[]",
                "ARRAY[@DATA@]::json[]", "ARRAY[300]", Fingerprint, "ARRAY['\"rev-1\"']", Location, "ARRAY[@BODY@]::bytea[]"),
            "COMMIT",
        ];
        var script = new StringBuilder("""
            \set space random(100000000001, 100000001000)
            \set op random(10000000000000000, 99999999999999999)
            \set record random(10000000000000000, 99999999999999999)
            \set tag random(1, 9000000000000000000)
            \set n :n + 1

            """);
        return script.Append("\\startpipeline\n").AppendJoin(";\n", write).Append(";\n\\endpipeline\n").ToString();
    }

    private static string Big(long value) => $"ARRAY[{value}]::bigint[]";

    /// <summary>A statement by the name that it has in the server, with its arguments in the places of its parameters.</summary>
    private static string Of(Type type, string name, params string[] arguments)
    {
        var sql = type.GetField(name, BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null) as string
            ?? throw new InvalidOperationException($"{type.Name} has no statement {name} any more; OwnPush has to follow it.");
        var asked = Parameter().Matches(sql).Select(match => int.Parse(match.Groups["n"].ValueSpan)).DefaultIfEmpty().Max();
        return asked == arguments.Length
            ? Parameter().Replace(sql, match => arguments[int.Parse(match.Groups["n"].ValueSpan) - 1])
            : throw new InvalidOperationException($"{type.Name}.{name} takes {asked} parameters and OwnPush gives {arguments.Length}.");
    }

    [GeneratedRegex(@"\$(?<n>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}
