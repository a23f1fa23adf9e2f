using System.Diagnostics;
using Serilog.Events;
using Serilog.Parsing;

namespace SyncServer.Http;

/// <summary>What the log says of one request, in the order in which it says it.</summary>
internal readonly record struct RequestLine
{
    private static readonly MessageTemplate Message = new MessageTemplateParser().Parse(Log.Request);

    /// <summary>The member by which the lines of every other message can be found too.</summary>
    private static readonly LogEventProperty EventId = new(nameof(EventId), new StructureValue(
        [new LogEventProperty("Id", new ScalarValue(1)), new LogEventProperty("Name", new ScalarValue(nameof(Log.Request)))]));

    public required DateTimeOffset Timestamp { get; init; }
    public required LogEventLevel Level { get; init; }
    public required string Method { get; init; }
    public required string Path { get; init; }
    public required int Status { get; init; }
    public required TimeSpan Elapsed { get; init; }
    public required string? Route { get; init; }

    /// <summary>A hash: it ties lines together and names nobody.</summary>
    public required string? Principal { get; init; }

    public required string? OpId { get; init; }
    public required string? Client { get; init; }
    public required long? Attempt { get; init; }
    public required long? Outbox { get; init; }
    public required string TraceId { get; init; }

    /// <summary>The line for Serilog's sinks. <see cref="RequestLineJson"/> writes the same without it.</summary>
    public LogEvent ToEvent()
    {
        LogEventProperty[] members =
        [
            Member(nameof(Method), Method),
            Member(nameof(Path), Path),
            Member(nameof(Status), Status),
            Member(nameof(Elapsed), Elapsed.TotalMilliseconds),
            Member(nameof(Route), Route),
            Member(nameof(Principal), Principal),
            Member(nameof(OpId), OpId),
            Member(nameof(Client), Client),
            Member(nameof(Attempt), Attempt),
            Member(nameof(Outbox), Outbox),
            Member(nameof(TraceId), TraceId),
            EventId,
        ];
        var activity = Activity.Current;
        return new LogEvent(Timestamp, Level, exception: null, Message, members, activity?.TraceId ?? default, activity?.SpanId ?? default);
    }

    private static LogEventProperty Member(string name, object? value) => new(name, new ScalarValue(value));
}
