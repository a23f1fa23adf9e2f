using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>What a device or its network does next.</summary>
internal enum Act
{
    /// <summary>The user edits a record, or creates it where the device does not know it.</summary>
    Edit,

    /// <summary>The user deletes a record.</summary>
    Delete,

    /// <summary>The user takes a delete back.</summary>
    Restore,

    /// <summary>The outbox is sent as a batch.</summary>
    Push,

    /// <summary>The last op of the outbox overtakes those before it.</summary>
    Overtake,

    /// <summary>The outbox is sent, and the server crashes after it committed: the device hears nothing.</summary>
    LoseAnswer,

    /// <summary>An op that was sent before is sent again.</summary>
    Repeat,

    /// <summary>One page of a pull.</summary>
    Pull,

    /// <summary>Somebody resolves an open conflict.</summary>
    Resolve,

    /// <summary>The user writes at once over plain HTTP, to the revision that the device shows.</summary>
    Strict,
}

/// <summary>One line of a script: every step can stand after every other, so a script without some of its lines is one too.</summary>
internal sealed record Step(int Device, Act Act, string Id, int Pick, string Patch)
{
    private static readonly string[] Values = ["1", "2", "3"];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Device} {Act} {Id} {Pick} {Patch}");

    /// <summary>The step that <see cref="ToString"/> wrote.</summary>
    public static Step Parse(string line) => line.Split(' ', 5) is [var device, var act, var id, var pick, var patch]
        ? new Step(int.Parse(device, CultureInfo.InvariantCulture), Enum.Parse<Act>(act), id, int.Parse(pick, CultureInfo.InvariantCulture), patch)
        : throw new FormatException($"Not a step: {line}");

    /// <summary>A step of <paramref name="devices"/> devices.</summary>
    public static Step Draw(Random random, int devices) => new(
        random.Next(devices), DrawAct(random), random.Next(4) == 0 ? "s" : "r", random.Next(12), DrawPatch(random));

    private static Act DrawAct(Random random) => random.Next(21) switch
    {
        < 8 => Act.Edit,
        8 => Act.Delete,
        9 => Act.Restore,
        < 13 => Act.Push,
        13 => Act.Overtake,
        14 => Act.LoseAnswer,
        15 => Act.Repeat,
        < 19 => Act.Pull,
        19 => Act.Strict,
        _ => Act.Resolve,
    };

    /// <summary>One of three lines of a text; most often as it stands in most texts.</summary>
    private static string Line(Random random, string line) => random.Next(5) switch { 0 => line + "1", 1 => line + "2", _ => line };

    /// <summary>An update of the field <c>doc</c>.</summary>
    public static string Base64(string update) => Convert.ToBase64String(Encoding.UTF8.GetBytes(update));

    /// <summary>What names an update in a compaction.</summary>
    public static string Hash(string update) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(update)));

    private static string DrawPatch(Random random)
    {
        var members = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = random.Next(2); i >= 0; i--)
        {
            var (name, value) = DrawMember(random);
            members[name] = value;
        }

        return "{" + string.Join(',', members.Select(member => $"\"{member.Key}\":{member.Value}")) + "}";
    }

    private static (string Name, string Value) DrawMember(Random random)
    {
        var value = Values[random.Next(Values.Length)];
        return random.Next(17) switch
        {
            0 or 1 => ("a", random.Next(5) == 0 ? "null" : value),
            2 => ("lww", value),
            3 => ("keep", value),
            4 or 5 => ("count", $$"""{"$inc":{{value}}}"""),
            6 => ("max", random.Next(2) == 0 ? value : $$"""{"$max":{{value}}}"""),
            7 => ("set", $$"""{"{{(random.Next(2) == 0 ? "$add" : "$remove")}}":[{{value}}]}"""),
            8 => ("list", $$"""{"$append":[{{value}}]}"""),
            9 => ("strict", value),
            10 => ("o", random.Next(3) == 0 ? value : "null"),
            11 => ("unique", value),
            12 or 13 => ("text", $"\"{Line(random, "a")}\\n{Line(random, "b")}\\n{Line(random, "c")}\""),
            14 => ("doc", $$"""{"$append":["{{Base64(value)}}"]}"""),
            15 => ("doc", $$"""{"$compact":{"snapshot":"{{Base64("s" + value)}}","replaces":["{{Hash(value)}}"]} }"""),
            _ => ("o", $$"""{"{{(random.Next(2) == 0 ? "x" : "y")}}":{{value}}}"""),
        };
    }
}

/// <summary>What happens in one world.</summary>
internal sealed record Script(int Seed, IReadOnlyList<Step> Steps)
{
    private static readonly string[] OnEditDelete = ["review", "edit-wins", "delete-wins"];

    /// <summary>Two devices or three; in some worlds two of them are the same person's.</summary>
    public int Devices => 2 + (Seed % 2);

    /// <summary>What the world's server declares of notes.</summary>
    public string Definition => $$"""
        {"onEditDelete":"{{OnEditDelete[Seed / 2 % 3]}}","unique":[["unique"]],
         "fields":{"a":{},"lww":{"merge":"lww"},"keep":{"merge":"keep"},"count":{"merge":"counter"},"max":{"merge":"max"},
                   "set":{"merge":"set"},"list":{"merge":"append"},"strict":{"merge":"strict"},"o":{},"unique":{},
                   "text":{"merge":"text"},"doc":{"merge":"crdt"} } }
        """;

    /// <summary>The one script of a seed.</summary>
    public static Script Of(int seed)
    {
        var random = new Random(seed);
        var length = 6 + random.Next(30);
        return new Script(seed, [.. Enumerable.Range(0, length).Select(_ => Step.Draw(random, 2 + (seed % 2)))]);
    }

    /// <summary>The script that <see cref="ToString"/> wrote.</summary>
    public static Script Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return new Script(int.Parse(lines[0].AsSpan("seed ".Length), CultureInfo.InvariantCulture), [.. lines.Skip(1).Select(Step.Parse)]);
    }

    /// <summary>The shortest script that still breaks something, got by dropping ever smaller runs of steps.</summary>
    public Script Shrunk(Func<Script, bool> breaks)
    {
        var shortest = this;
        for (var size = Math.Max(1, Steps.Count / 2); size >= 1; size /= 2)
        {
            for (var at = shortest.Steps.Count - size; at >= 0; at--)
            {
                var shorter = shortest with { Steps = [.. shortest.Steps.Take(at), .. shortest.Steps.Skip(at + size)] };
                if (at + size <= shortest.Steps.Count && breaks(shorter))
                {
                    shortest = shorter;
                }
            }
        }

        return shortest;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seed {Seed}\n{string.Join('\n', Steps)}");
}
