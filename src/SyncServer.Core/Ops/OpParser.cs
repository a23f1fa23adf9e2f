using SyncServer.Core.Json;
using SyncServer.Core.Merge;

namespace SyncServer.Core.Ops;

/// <summary>A JSON object to an <see cref="Op"/>, or a rejection with pointers. Members it does not know are ignored.</summary>
public static class OpParser
{
    private const string NeedsPatch = "A create and an update carry a patch: a JSON object.";

    /// <summary>
    /// The op of <paramref name="body"/>. <paramref name="headerKey"/> is the request's Idempotency-Key: it and <c>opId</c>
    /// stand for each other, and must be equal where both are given. The op id is returned with a rejection too,
    /// where it could be read. Pointers begin at the op, alone or in a batch.
    /// </summary>
    public static (Op? Op, string? OpId, Rejection? Rejection) Parse(JsonValue body, string? headerKey, Precondition? ifMatch)
    {
        if (body is not JsonObject members)
        {
            return (null, headerKey, Rejection.At("", "An op is a JSON object."));
        }

        var read = new Members(members);
        var opId = read.Text("opId", required: headerKey is null, RecordKey.IsOpId, "1 to 255 printable ASCII characters") ?? headerKey;
        if (headerKey is not null && opId is not null && !string.Equals(headerKey, opId, StringComparison.Ordinal))
        {
            read.Fail("opId", "opId and Idempotency-Key differ.");
        }

        var entity = read.Text("entity", required: true, RecordKey.IsEntity, "a letter and up to 63 letters, digits, _ or -");
        var id = read.Text("entityId", required: true, RecordKey.IsId, "1 to 128 of A-Z a-z 0-9 . _ : ~ -, and not . or ..");
        var kind = Kind(read);
        var baseRev = read.Integer("baseRev");
        var n = read.Integer("n");
        read.Integer("schema");
        var patch = Patch(read, kind);
        var dependsOn = DependsOn(read);
        // When the device made it, as it says: checked, and never decided by.
        if (read.Optional("createdAt") is not (null or JsonString or JsonNumber))
        {
            read.Fail("createdAt", "createdAt is milliseconds or an RFC 3339 string.");
        }

        if (kind == OpKind.Create && baseRev is > 0)
        {
            read.Fail("baseRev", "The baseRev of a create is 0 or absent.");
        }

        if (read.Errors.Count > 0)
        {
            var lacksOnlyKey = read.Errors.Count == 1 && headerKey is null && read.Optional("opId") is null;
            var code = lacksOnlyKey ? ErrorCode.IdempotencyKeyMissing : ErrorCode.InvalidRequest;
            return (null, opId, new Rejection(code, read.Errors[0].Detail) { Errors = read.Errors });
        }

        var key = new RecordKey(entity!, id!);
        var op = new Op
        {
            OpId = opId!,
            Key = key,
            Kind = kind!.Value,
            BaseRev = baseRev,
            N = n,
            Patch = patch,
            DependsOn = dependsOn,
            Precondition = ifMatch,
            Fingerprint = Fingerprint.OfOp(key, kind.Value, members, ifMatch),
        };
        return (op, opId, Intent.Check(patch, "/patch"));
    }

    private static OpKind? Kind(Members read) => read.Text("kind", required: true, _ => true, "") switch
    {
        "create" => OpKind.Create,
        "update" => OpKind.Update,
        "delete" => OpKind.Delete,
        "restore" => OpKind.Restore,
        null => null,
        _ => read.Fail<OpKind?>("kind", "kind is create, update, delete or restore."),
    };

    private static JsonObject Patch(Members read, OpKind? kind)
    {
        var patch = read.Optional("patch");
        if (kind is null)
        {
            // What a patch must be depends on the kind, whose own error is enough.
            return JsonObject.Empty;
        }

        if (kind is OpKind.Create or OpKind.Update)
        {
            // A misspelt member must not become an empty record: the user's work would be gone without a word.
            return patch as JsonObject ?? read.Fail("patch", NeedsPatch, JsonObject.Empty);
        }

        return patch is null or JsonObject { Count: 0 }
            ? JsonObject.Empty
            : read.Fail("patch", "A delete and a restore carry no patch.", JsonObject.Empty);
    }

    private static IReadOnlyList<string> DependsOn(Members read)
    {
        switch (read.Optional("dependsOn"))
        {
            case null:
                return [];
            case JsonArray { Items.Count: <= Limits.Dependencies } list
                when list.Items.All(item => item is JsonString id && RecordKey.IsOpId(id.Text)):
                return [.. list.Items.Cast<JsonString>().Select(id => id.Text).Distinct(StringComparer.Ordinal)];
            default:
                return read.Fail<IReadOnlyList<string>>("dependsOn", $"dependsOn is a list of at most {Limits.Dependencies} op ids.", []);
        }
    }

    /// <summary>Reads the members of one object and collects what is wrong with them.</summary>
    private sealed class Members(JsonObject members)
    {
        public List<FieldError> Errors { get; } = [];

        public JsonValue? Optional(string name) =>
            members[name] is { } value && !ReferenceEquals(value, JsonLiteral.Null) ? value : null;

        public string? Text(string name, bool required, Func<string, bool> isValid, string form)
        {
            switch (Optional(name))
            {
                case JsonString { Text: var text } when isValid(text):
                    return text;
                case null when !required:
                    return null;
                case null:
                    return Fail<string?>(name, $"{name} is required.");
                default:
                    return Fail<string?>(name, form.Length == 0 ? $"{name} is a string." : $"{name} is a string of {form}.");
            }
        }

        public long? Integer(string name) => Optional(name) switch
        {
            null => null,
            JsonNumber number when number.AsSafeInteger() is >= 0 and var value => value,
            _ => Fail<long?>(name, $"{name} is an integer from 0 to {Limits.MaxSafeInteger}."),
        };

        public T Fail<T>(string name, string detail, T instead = default!)
        {
            Fail(name, detail);
            return instead;
        }

        public void Fail(string name, string detail) => Errors.Add(new FieldError(JsonPointer.Child("", name), detail));
    }
}
