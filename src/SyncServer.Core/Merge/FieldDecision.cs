using SyncServer.Core.Json;
using SyncServer.Core.Merge.Values;

namespace SyncServer.Core.Merge;

/// <summary>What a policy makes of a field that both sides changed, to different values.</summary>
/// <param name="IsDecided">Whether it decided; otherwise the field is a conflict.</param>
/// <param name="Value">The merged value; null is absent.</param>
public readonly record struct FieldDecision(bool IsDecided, JsonValue? Value)
{
    private static readonly FieldDecision Ask = new(false, null);

    /// <summary>Decides by the policy's line in the table of protocol 4. An absent value is null.</summary>
    public static FieldDecision Of(FieldPolicy policy, JsonValue? b, JsonValue? t, JsonValue? y) => policy switch
    {
        _ when policy == FieldPolicy.Lww => new(true, y),
        _ when policy == FieldPolicy.Keep => new(true, t),
        _ when policy == FieldPolicy.Set => OfSets(b, t, y),
        _ when policy == FieldPolicy.Counter => OfCounters(b, t, y),
        _ when policy == FieldPolicy.Max && t is not null && y is not null => Or(OrderedValue.Larger(t, y)),
        _ when policy == FieldPolicy.Min && t is not null && y is not null => Or(OrderedValue.Smaller(t, y)),
        _ when policy == FieldPolicy.Text => OfTexts(b, t, y),
        _ when policy == FieldPolicy.Crdt => OfUpdates(b, t, y),

        // A plain list says nothing about what was appended, so it cannot stand beside an append; review and strict ask.
        _ => Ask,
    };

    private static FieldDecision OfSets(JsonValue? b, JsonValue? t, JsonValue? y) =>
        (b, t, y) is (null or JsonArray, JsonArray theirs, JsonArray yours)
            ? new(true, new JsonArray(SetMerge.ThreeWay((b as JsonArray)?.Items ?? [], theirs.Items, yours.Items)))
            : Ask;

    /// <summary>A plain number is read as its difference from base, and no number as none.</summary>
    private static FieldDecision OfCounters(JsonValue? b, JsonValue? t, JsonValue? y) =>
        (b, t, y) is (null or JsonNumber, null or JsonNumber, JsonNumber yours)
        && ExactNumber.Subtract(yours, b as JsonNumber ?? JsonNumber.Of(0)) is { } difference
            ? Or(ExactNumber.Add(t as JsonNumber ?? JsonNumber.Of(0), difference))
            : Ask;

    private static FieldDecision OfTexts(JsonValue? b, JsonValue? t, JsonValue? y) =>
        (b, t, y) is (null or JsonString, JsonString theirs, JsonString yours)
        && TextMerge.Merge((b as JsonString)?.Text, theirs.Text, yours.Text) is { } merged
            ? new(true, new JsonString(merged))
            : Ask;

    private static FieldDecision OfUpdates(JsonValue? b, JsonValue? t, JsonValue? y) =>
        (Updates(t), Updates(y)) is ({ } theirs, { } yours)
            ? new(true, JsonObject.Of(("updates", new JsonArray(SetMerge.ThreeWay(Updates(b) ?? [], theirs, yours)))))
            : Ask;

    private static IReadOnlyList<JsonValue>? Updates(JsonValue? value) => ((value as JsonObject)?["updates"] as JsonArray)?.Items;

    private static FieldDecision Or(JsonValue? value) => value is null ? Ask : new(true, value);
}
