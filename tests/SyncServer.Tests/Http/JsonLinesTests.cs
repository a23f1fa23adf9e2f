using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Serilog;
using Serilog.Core;
using SyncServer.Http;

namespace SyncServer.Tests.Http;

public sealed class JsonLinesTests
{
    private sealed class FullDisk : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("No space left on device");
    }

    [Fact]
    public void A_line_is_one_object_with_its_message_and_every_property_by_type()
    {
        using var output = new MemoryStream();
        using (var log = Logger(output))
        {
            log.Information("{Method} \"{Path}\" answered {Status} in {Elapsed:0.0} ms to {Nobody}, {@More}", "GET", "/ü\n", 200, 1.25, null, new { Tags = new[] { 1L }, Yes = true });
        }

        using var line = JsonDocument.Parse(Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal(
            ("Information", "\"GET\" \"\"/ü\n\"\" answered 200 in 1.3 ms to null, { Tags: [1], Yes: True }",
                """{"Method":"GET","Path":"/\u00FC\n","Status":200,"Elapsed":1.25,"Nobody":null,"More":{"Tags":[1],"Yes":true}}"""),
            (line.RootElement.GetProperty("Level").GetString(), line.RootElement.GetProperty("RenderedMessage").GetString(),
                line.RootElement.GetProperty("Properties").GetRawText()));
    }

    [Fact]
    public void A_line_about_a_request_names_its_trace()
    {
        using var output = new MemoryStream();
        using var request = new Activity("request").SetIdFormat(ActivityIdFormat.W3C).Start();
        using (var log = Logger(output))
        {
            log.Warning("late");
            log.Warning("named {TraceId}", "by itself");
        }

        Assert.Equal([$$"""{"TraceId":"{{request.TraceId}}"}""", """{"TraceId":"by itself"}"""], Encoding.UTF8.GetString(output.ToArray())
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("Properties").GetRawText()));
    }

    [Fact]
    public void A_warning_takes_everything_before_it_along_at_once_and_the_end_takes_the_rest()
    {
        using var output = new MemoryStream();
        using (var log = Logger(output))
        {
            log.Information("one");
            log.Warning("two");
            Assert.Equal(["one", "two"], Messages(output));
            log.Information("three");
        }

        Assert.Equal(["one", "two", "three"], Messages(output));
    }

    [Fact]
    public void Lines_of_many_threads_stay_whole()
    {
        using var output = new MemoryStream();
        using (var log = Logger(output))
        {
            Parallel.For(0, 10_000, i => log.Information("line {Number}", i));
        }

        Assert.Equal(Enumerable.Range(0, 10_000), Messages(output).Select(message => int.Parse(message["line ".Length..])).Order());
    }

    [Fact]
    public void A_log_that_cannot_be_written_stops_nobody()
    {
        using var output = new FullDisk();
        using var log = Logger(output);
        log.Error("lost");
        log.Error("lost too");
    }

    private static Logger Logger(Stream output) => new LoggerConfiguration().WriteTo.Sink(new JsonLines(output)).CreateLogger();

    private static IEnumerable<string> Messages(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray())
        .Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("RenderedMessage").GetString()!);
}
