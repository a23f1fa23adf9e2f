using SyncServer.Core.Json;

namespace SyncServer.Core.Ops;

/// <summary>Intent operators: inside a patch, an object whose only member begins with <c>$</c> (protocol 3.1).</summary>
public static class Operators
{
    /// <summary>Refuses operators that the server does not know. Arrays are values and are not searched.</summary>
    public static Rejection? Check(JsonObject patch, string at)
    {
        if (patch.Count == 1 && patch.Members[0].Key.StartsWith('$'))
        {
            return Rejection.At(at, "The intent operator is not known to this server.", ErrorCode.InvalidOperator);
        }

        return patch.Members
            .Select(member => member.Value is JsonObject inner ? Check(inner, JsonPointer.Child(at, member.Key)) : null)
            .FirstOrDefault(rejection => rejection is not null);
    }
}
