using SyncServer.Core.Json;

namespace SyncServer.Core.Entities;

/// <summary>The declared steps of a field from state to state. A state without steps of its own is final.</summary>
public sealed class StateMachine(IReadOnlyDictionary<string, IReadOnlyList<string>> steps)
{
    private readonly HashSet<string> _states = new(steps.Keys.Concat(steps.Values.SelectMany(next => next)), StringComparer.Ordinal);

    /// <summary>The next states by state, as declared.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Steps => steps;

    /// <summary>Every state that stands on either side of a step.</summary>
    public IReadOnlyCollection<string> States => _states;

    /// <summary>
    /// Why the field may not go from <paramref name="was"/> to the other value <paramref name="now"/>, or null. What is
    /// no declared state, because it is absent or older than the machine, may enter it at any state; nothing leaves it.
    /// </summary>
    public string? Refusal(JsonValue? was, JsonValue? now)
    {
        var from = was is JsonString before && _states.Contains(before.Text) ? before.Text : null;
        if (now is not JsonString { Text: var to } || !_states.Contains(to))
        {
            return now is null && from is null ? null : $"The field holds a declared state: {Listed(_states)}.";
        }

        return from is null || from == to || Next(from).Contains(to, StringComparer.Ordinal)
            ? null
            : $"From '{from}' the field goes to {Listed(Next(from))} only; '{to}' is not a declared step.";
    }

    private IReadOnlyList<string> Next(string state) => steps.GetValueOrDefault(state) ?? [];

    private static string Listed(IReadOnlyCollection<string> states) =>
        states.Count == 0 ? "no other state" : string.Join(", ", states.Select(state => $"'{state}'"));

    /// <summary>The member <c>transitions</c> of a definition.</summary>
    public JsonObject ToJson() => JsonObject.Of(steps.Select(step =>
        (step.Key, (JsonValue?)new JsonArray([.. step.Value.Select(next => new JsonString(next))]))));
}
