using SyncServer.Core.Json;

namespace SyncServer.Core.Merge.Values;

/// <summary>
/// The order behind <c>max</c> and <c>min</c>: numbers by value, strings by their UTF-16 code units, which orders
/// timestamps of one ISO 8601 form by time. Values of other types, or of two types, have no order.
/// </summary>
public static class OrderedValue
{
    /// <summary>The larger, <paramref name="a"/> where they are equal, null where there is no order.</summary>
    public static JsonValue? Larger(JsonValue a, JsonValue b) => Compare(a, b) is { } order ? order >= 0 ? a : b : null;

    /// <summary>The smaller, <paramref name="a"/> where they are equal, null where there is no order.</summary>
    public static JsonValue? Smaller(JsonValue a, JsonValue b) => Compare(a, b) is { } order ? order <= 0 ? a : b : null;

    private static int? Compare(JsonValue a, JsonValue b) => (a, b) switch
    {
        (JsonNumber left, JsonNumber right) => ExactNumber.Compare(left, right),
        (JsonString left, JsonString right) => string.CompareOrdinal(left.Text, right.Text),
        _ => null,
    };
}
