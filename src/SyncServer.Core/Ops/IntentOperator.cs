using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Ops;

/// <summary>
/// What the user meant instead of what came out (protocol 3.1): inside a patch, an object whose only member begins with
/// <c>$</c>. Operators apply to whatever value is there, so they commute where states would conflict.
/// </summary>
public abstract record IntentOperator
{
    private static readonly (JsonValue?, string?) NotACrdtOperator = (null, "The field is a CRDT field: it takes $append and $compact.");

    private IntentOperator()
    {
    }

    /// <summary>The operator that <paramref name="value"/> is, a rejection at <paramref name="at"/>, or neither for a plain object.</summary>
    public static (IntentOperator? Operator, Rejection? Rejection) Find(JsonObject value, string at)
    {
        if (value.Count != 1 || !value.Members[0].Key.StartsWith('$'))
        {
            return (null, null);
        }

        var (name, operand) = value.Members[0];
        var (found, problem) = Parse(name, operand);
        return (found, problem is null ? null : Rejection.At(at, problem, ErrorCode.InvalidOperator));
    }

    /// <summary>
    /// The value with the operator, null for absent; or why the value that is there cannot take it, and then the op is
    /// rejected. <paramref name="crdtMost"/> is the number of updates in one CRDT field, published as a limit.
    /// </summary>
    public abstract (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost);

    private static (IntentOperator? Operator, string? Problem) Parse(string name, JsonValue operand) => (name, operand) switch
    {
        ("$inc", JsonNumber by) => (new Inc(by), null),
        ("$append", JsonArray list) => (new Append(list.Items), null),
        ("$add", JsonArray list) => (new Add(list.Items), null),
        ("$remove", JsonArray list) => (new Remove(list.Items), null),
        ("$max", JsonNumber or JsonString) => (new Max(operand), null),
        ("$min", JsonNumber or JsonString) => (new Min(operand), null),
        ("$compact", _) => Compact.Parse(operand),
        ("$inc", _) => (null, "$inc takes a number."),
        ("$append" or "$add" or "$remove", _) => (null, $"{name} takes a list."),
        ("$max" or "$min", _) => (null, $"{name} takes a number or a string."),
        _ => (null, "The intent operator is not known to this server."),
    };

    /// <summary>Adds to a number, exactly; absent is zero.</summary>
    public sealed record Inc(JsonNumber By) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => NotACrdtOperator,
            null => (By, null),
            JsonNumber number when ExactNumber.Add(number, By) is { } sum => (sum, null),
            JsonNumber => (null, $"The sum has no exact number token of at most {Limits.NumberLength} characters."),
            _ => (null, "$inc needs a number, and the value is none."),
        };
    }

    /// <summary>Adds elements at the end of a list, repeats included; on a CRDT field, updates to its set.</summary>
    public sealed record Append(IReadOnlyList<JsonValue> Elements) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => Texts(Elements) is { } updates
                ? CrdtUpdates.Append(current, updates, crdtMost)
                : (null, "The updates of a CRDT field are base64 strings."),
            null => (new JsonArray(Elements), null),
            JsonArray list => (new JsonArray([.. list.Items, .. Elements]), null),
            _ => (null, "$append needs a list, and the value is none."),
        };
    }

    /// <summary>Adds the elements that a list, read as a set, does not hold.</summary>
    public sealed record Add(IReadOnlyList<JsonValue> Elements) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => NotACrdtOperator,
            null => (new JsonArray(SetMerge.Union([], Elements)), null),
            JsonArray list => (new JsonArray(SetMerge.Union(list.Items, Elements)), null),
            _ => (null, "$add needs a list, and the value is none."),
        };
    }

    /// <summary>Takes elements out of a list, read as a set; absent stays absent.</summary>
    public sealed record Remove(IReadOnlyList<JsonValue> Elements) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => NotACrdtOperator,
            null => (null, null),
            JsonArray list => (new JsonArray(SetMerge.Except(list.Items, Elements)), null),
            _ => (null, "$remove needs a list, and the value is none."),
        };
    }

    /// <summary>Raises a number or a string; see <see cref="OrderedValue"/>.</summary>
    public sealed record Max(JsonValue Bound) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => NotACrdtOperator,
            null => (Bound, null),
            _ when OrderedValue.Larger(current, Bound) is { } larger => (larger, null),
            _ => (null, "$max needs two numbers or two strings, and the value is of another type."),
        };
    }

    /// <summary>Lowers a number or a string; see <see cref="OrderedValue"/>.</summary>
    public sealed record Min(JsonValue Bound) : IntentOperator
    {
        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) => current switch
        {
            _ when isCrdt => NotACrdtOperator,
            null => (Bound, null),
            _ when OrderedValue.Smaller(current, Bound) is { } smaller => (smaller, null),
            _ => (null, "$min needs two numbers or two strings, and the value is of another type."),
        };
    }

    /// <summary>Replaces updates of a CRDT field by one snapshot (protocol 4.2).</summary>
    public sealed record Compact(string Snapshot, IReadOnlyList<string> Replaces) : IntentOperator
    {
        internal static (IntentOperator? Operator, string? Problem) Parse(JsonValue operand)
        {
            if (operand is not JsonObject { Count: 2 } members
                || members["snapshot"] is not JsonString snapshot
                || members["replaces"] is not JsonArray list
                || Texts(list.Items) is not { } replaces)
            {
                return (null, "$compact takes an object of snapshot, a base64 string, and replaces, a list of SHA-256 in hex.");
            }

            var problem = CrdtUpdates.Problem([snapshot.Text]) ?? CrdtUpdates.HashProblem(replaces);
            return problem is null ? (new Compact(snapshot.Text, replaces), null) : (null, problem);
        }

        public override (JsonValue? Value, string? TypeProblem) Apply(JsonValue? current, bool isCrdt, int crdtMost) =>
            CrdtUpdates.Compact(current, Snapshot, Replaces, crdtMost);
    }

    /// <summary>The texts of a list of strings, null for any other list.</summary>
    private static List<string>? Texts(IReadOnlyList<JsonValue> list) =>
        list.All(item => item is JsonString) ? [.. list.Select(item => ((JsonString)item).Text)] : null;
}
