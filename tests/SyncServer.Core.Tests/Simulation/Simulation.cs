using System.Globalization;
using SyncServer.Core.Json;
using SyncServer.Core.Ops;
using SyncServer.Core.Tests.Push;

namespace SyncServer.Core.Tests.Simulation;

/// <summary>The first answer that the server decided for an op, whether its device heard it or not.</summary>
internal sealed record Decided(QueuedOp Op, Answer Answer);

/// <summary>A resolution that was accepted, and the conflict's record as it was before.</summary>
internal sealed record Resolved(int Device, string Key, string Choice, JsonObject Conflict);

/// <summary>One run of a script. Afterwards every device has sent what it had and pulled what there is.</summary>
internal sealed class Simulation
{
    private const int Person = 2;
    private readonly Server _server;
    private int _resolutions;

    private Simulation(Script script, Func<Script, Server> server)
    {
        _server = server(script);
        Phones = [.. Enumerable.Range(0, script.Devices)
            .Select(i => new Phone(i, _server.Space.Client($"p{i % Person}", string.Create(CultureInfo.InvariantCulture, $"device{i}"))))];
    }

    public IReadOnlyList<Phone> Phones { get; }

    public Space Space => _server.Space;

    /// <summary>By opId.</summary>
    public Dictionary<string, Decided> Decisions { get; } = [];

    /// <summary>By key.</summary>
    public Dictionary<string, Resolved> Resolutions { get; } = [];

    /// <summary>What went wrong while it ran.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>Runs the script and says which promises were broken.</summary>
    public static IReadOnlyList<string> Broken(Script script, Func<Script, Server> server)
    {
        var simulation = new Simulation(script, server);
        try
        {
            foreach (var step in script.Steps)
            {
                simulation.Do(step);
            }

            simulation.Finish(resolves: script.Seed % 3 == 0);
        }
        catch (Exception failure) when (failure is Xunit.Sdk.XunitException or InvalidOperationException or KeyNotFoundException or ArgumentException)
        {
            return [$"the space broke: {failure}"];
        }

        return [.. simulation.Violations, .. Promises.Broken(simulation)];
    }

    private void Do(Step step)
    {
        var phone = Phones[step.Device % Phones.Count];
        switch (step.Act)
        {
            case Act.Push:
                Push(phone, [.. phone.Outbox], crashes: false);
                break;
            case Act.Overtake:
                // An edit may overtake edits; what is deleted or restored around it was its user's to see first.
                Push(phone, [.. phone.Outbox.TakeLast(1).Where(last => !phone.Outbox.Exists(op =>
                    op.Id == last.Id && (op.Kind is "delete" or "restore")))], crashes: false);
                break;
            case Act.LoseAnswer:
                Push(phone, [.. phone.Outbox.Take(1 + step.Pick)], crashes: true);
                break;
            case Act.Repeat:
                // What still waits is sent again with the outbox, in its order.
                Push(phone, [.. phone.Sent.Where(op => !phone.Outbox.Contains(op)).Skip(step.Pick % Math.Max(1, phone.Sent.Count)).Take(1)], crashes: false);
                break;
            case Act.Pull:
                phone.Pull(_server, 1 + (step.Pick % 3));
                break;
            case Act.Strict:
                Strict(phone, step);
                break;
            case Act.Resolve:
                Resolve(phone, step.Pick);
                break;
            default:
                phone.Edit(step);
                break;
        }
    }

    private void Push(Phone phone, IReadOnlyList<QueuedOp> ops, bool crashes)
    {
        if (ops.Count == 0)
        {
            return;
        }

        phone.Sent.AddRange(ops.Where(op => !phone.Sent.Contains(op)));
        var answers = _server.Push(phone.Client, ops, crashes);
        foreach (var (op, answer) in ops.Zip(answers))
        {
            if (answer.Outcome.Status is not (200 or 201 or 404 or 409 or 410 or 422) && (op.DependsOn is null || answer.Outcome.Status != 424))
            {
                Violations.Add($"{op.OpId} was answered {answer.Summary}");
            }

            if (Decisions.TryGetValue(op.OpId, out var first))
            {
                if (!first.Answer.Outcome.Body.Span.SequenceEqual(answer.Outcome.Body.Span))
                {
                    Violations.Add($"a repeat of {op.OpId} was not answered with the first bytes");
                }
            }
            else if (answer.Outcome.IsStored)
            {
                Decisions.Add(op.OpId, new Decided(op, answer));
            }

            if (!crashes)
            {
                phone.Hear(op, answer);
            }
        }
    }

    private void Strict(Phone phone, Step step)
    {
        if (phone.Strict(step) is not { } op)
        {
            return;
        }

        var answer = _server.Http(phone.Client, op);
        if (answer.Outcome.Status is not (200 or 409 or 410 or 412 or 422))
        {
            Violations.Add($"{op.OpId} was answered {answer.Summary}");
        }

        Decisions.Add(op.OpId, new Decided(op, answer));
        phone.Hear(op, answer);
    }

    private void Resolve(Phone phone, int pick)
    {
        var open = Space.Open().ToList();
        if (open.Count == 0)
        {
            return;
        }

        var (slot, holder) = open[pick % open.Count];
        var choice = (pick % 3) switch { 0 => "mine", 1 => "theirs", _ => "merge" };
        var key = string.Create(CultureInfo.InvariantCulture, $"resolution{_resolutions++}");
        var precondition = phone.Known.GetValueOrDefault(slot.Key.Id) is { } known ? Precondition.Exactly(known.Rev) : Precondition.NotExists;
        var conflict = holder.Data!.Value;
        var answer = phone.Client.Resolve(key, new JsonString(holder.Key.Id), choice, choice == "merge" ? """{"a":9}""" : null, precondition);
        if (answer.Outcome.IsSuccess)
        {
            Resolutions.Add(key, new Resolved(phone.Number, key, choice, conflict));
        }
        else if (answer.Outcome.Status is not (409 or 412 or 422))
        {
            Violations.Add($"{key} was answered {answer.Summary}");
        }
    }

    private void Finish(bool resolves)
    {
        // An op that waited for its own create may go only in the second round.
        for (var round = 0; round < 2; round++)
        {
            foreach (var phone in Phones)
            {
                Push(phone, [.. phone.Outbox], crashes: false);
            }
        }

        PullAll();
        for (var left = resolves ? Space.Open().Count() : 0; left > 0; left--)
        {
            Resolve(Phones[0], left);
            PullAll();
        }
    }

    private void PullAll()
    {
        foreach (var phone in Phones)
        {
            while (phone.Pull(_server, 2))
            {
            }
        }
    }
}
