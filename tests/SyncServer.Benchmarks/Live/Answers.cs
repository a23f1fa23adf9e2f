using System.Net.Sockets;
using System.Text;

namespace SyncServer.Benchmarks.Live;

/// <summary>Reads what a server answers with where nothing else can be on its way: one request, or one event, at a time.</summary>
internal static class Answers
{
    /// <summary>The end of an answer in chunks.</summary>
    public const string LastChunk = "\r\n0\r\n\r\n";

    /// <summary>What is received up to an end, or up to the length that the head gives. A status other than 2xx throws.</summary>
    public static async Task<string> ReadAsync(Socket socket, byte[] buffer, string end)
    {
        for (var length = 0; ;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length));
            length += read;
            var text = Encoding.ASCII.GetString(buffer, 0, length);
            if (text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && !text.StartsWith("HTTP/1.1 2", StringComparison.Ordinal))
            {
                throw new InvalidDataException($"An answer that was not expected: {text}");
            }

            if (HasEnded(text, end))
            {
                return text;
            }

            if (read == 0 || length == buffer.Length)
            {
                throw new InvalidDataException($"An answer has no end that this client knows: {text}");
            }
        }
    }

    /// <summary>An event may have the line break of its chunk behind its end.</summary>
    private static bool HasEnded(string text, string end)
    {
        const string Length = "\r\nContent-Length: ";
        var (head, at) = (text.IndexOf("\r\n\r\n", StringComparison.Ordinal), text.IndexOf(Length, StringComparison.Ordinal));
        return head >= 0 && at >= 0 && at < head
            ? text.Length - head - 4 >= int.Parse(text.AsSpan(at + Length.Length, text.IndexOf('\r', at + Length.Length) - at - Length.Length))
            : text.EndsWith(end, StringComparison.Ordinal) || text.EndsWith(end + "\r\n", StringComparison.Ordinal);
    }
}
