using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using SyncServer.Tests.Docs;

namespace SyncServer.Tests.Crdt;

/// <summary>An edit of a text: what is deleted and inserted at a place.</summary>
internal sealed record Edit(int At, string Insert, int Delete = 0);

/// <summary>A document of Yjs, made of updates and then edited; a client of its own each time, run by node.</summary>
/// <param name="Text">What the user reads.</param>
/// <param name="Updates">What each edit adds, in base64.</param>
/// <param name="Snapshot">The whole document as one update, in base64.</param>
internal sealed record YjsDocument(string Text, IReadOnlyList<string> Updates, string Snapshot)
{
    private const string Remedy = "The tests of CRDT fields run Yjs in Node.js 18 or later. `./dev test` installs both; by hand: "
        + "install nodejs and npm, then run `npm ci` in tests/SyncServer.Tests/Crdt.";

    public static async Task<YjsDocument> OfAsync(IEnumerable<string> updates, params Edit[] edits)
    {
        var folder = Path.Combine(Readme.Root(), "tests", "SyncServer.Tests", "Crdt");
        Assert.True(Directory.Exists(Path.Combine(folder, "node_modules", "yjs")), Remedy);
        using var node = Start(folder);
        var error = node.StandardError.ReadToEndAsync();
        await node.StandardInput.WriteAsync(JsonSerializer.Serialize(new { updates, edits }, JsonSerializerOptions.Web));
        node.StandardInput.Close();
        var output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, $"node ended with {node.ExitCode}: {await error}");
        return JsonSerializer.Deserialize<YjsDocument>(output, JsonSerializerOptions.Web)!;
    }

    /// <summary>The document that a device has from a record's field.</summary>
    public static Task<YjsDocument> OfAsync(JsonNode field, params Edit[] edits) => OfAsync(UpdatesOf(field), edits);

    public static List<string> UpdatesOf(JsonNode field) => [.. field["updates"]!.AsArray().Select(update => update!.ToString())];

    private static Process Start(string folder)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", ["document.mjs"])
            {
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            })!;
        }
        catch (Win32Exception)
        {
            Assert.Fail("The command node was not found. " + Remedy);
            throw;
        }
    }
}
