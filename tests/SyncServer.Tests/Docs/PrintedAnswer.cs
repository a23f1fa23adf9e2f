using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace SyncServer.Tests.Docs;

/// <summary>
/// Compares an answer with the one that a document prints. White space inside JSON is free. <c>…</c> as the last member
/// of an object, or as a line among the headers, stands for at least one that is left out; a long token may be cut with it.
/// </summary>
internal static partial class PrintedAnswer
{
    private const string Rest = "…";

    private static readonly JsonSerializerOptions Indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void AssertShows(string printed, string actual)
    {
        var (printedHead, printedBody) = Split(Masked(printed));
        var (actualHead, actualBody) = Split(Masked(actual));
        Assert.Equal(printedHead, Shown(printedHead, actualHead));

        var printedJson = JsonNode.Parse(LastMember().Replace(printedBody, $", \"{Rest}\": \"\" }}"));
        Assert.Equal(Text(printedJson), Text(Shown(printedJson, JsonNode.Parse(actualBody))));
    }

    /// <summary>Status line and headers, where there are any, and the body.</summary>
    private static (string[] Head, string Body) Split(string answer)
    {
        var text = answer.ReplaceLineEndings("\n");
        if (!text.StartsWith("HTTP/", StringComparison.Ordinal))
        {
            return ([], text);
        }

        var parts = text.Split("\n\n", 2);
        return (parts[0].Split('\n'), parts[1]);
    }

    /// <summary>Of the actual header the lines that are printed, as they are printed, and the mark where others are left.</summary>
    private static string[] Shown(string[] printed, string[] actual)
    {
        var shown = printed.Where(line => actual.Contains(line)).ToList();
        return actual.Length > shown.Count ? [.. shown, Rest] : [.. shown];
    }

    /// <summary>Of the actual value what is printed, in its own order, and the mark where members are left out.</summary>
    private static JsonNode? Shown(JsonNode? printed, JsonNode? actual)
    {
        switch (printed, actual)
        {
            case (JsonObject shape, JsonObject whole):
                var members = whole.Where(member => shape.ContainsKey(member.Key) || !shape.ContainsKey(Rest)).ToList();
                var shown = new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Shown(shape[member.Key], member.Value))));
                if (members.Count < whole.Count)
                {
                    shown.Add(Rest, "");
                }

                return shown;
            case (JsonArray shape, JsonArray whole):
                return new JsonArray([.. whole.Select((item, i) => Shown(i < shape.Count ? shape[i] : null, item))]);
            default:
                return actual?.DeepClone();
        }
    }

    /// <summary>In place of what every run has anew its kind.</summary>
    private static string Masked(string text) =>
        Token().Replace(Uuid().Replace(Time().Replace(text, "(time)"), "(uuid)"), "(token)");

    private static string Text(JsonNode? json) => json?.ToJsonString(Indented) ?? "null";

    [GeneratedRegex(@"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\b", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Time();

    [GeneratedRegex(@"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Uuid();

    // Cursors, epochs and trace ids.
    [GeneratedRegex("""(?<=")([\w-]{32,}|[\w-]{16,}…)(?=")""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Token();

    [GeneratedRegex(@",\s*…\s*\}", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex LastMember();
}
