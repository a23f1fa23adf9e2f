using System.Text;
using SyncServer.Benchmarks.Load;

namespace SyncServer.Benchmarks.Workloads;

/// <summary>
/// The callers, each with a token and a personal space, and the requests they send. Many phones share a connection, as they
/// do behind a proxy; each request carries its own token.
/// </summary>
internal sealed class Phones(byte[] secret, int count, int seed)
{
    // 200 characters: with the other members, an op of about 500 bytes and data of about 300, a short note.
    private static readonly byte[] Text = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("A note that was written in the train, offline. ", 5))[..200]);

    private readonly byte[][] _authorization = [.. Enumerable.Range(0, count)
        .Select(phone => Encoding.ASCII.GetBytes($"Authorization: Bearer {Tokens.Sign(Tokens.Principal(phone), secret)}\r\n"))];

    public int Count => count;

    public Random Random { get; } = new(seed);

    /// <summary>The header line with the phone's token.</summary>
    public ReadOnlySpan<byte> Authorization(int phone) => _authorization[phone];

    public Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>The head of a request, without its end.</summary>
    public RequestBuffer Head(RequestBuffer to, ReadOnlySpan<byte> method, ReadOnlySpan<byte> path, int phone) =>
        to.Put(method).Put(" "u8).Put(path).Put(" HTTP/1.1\r\nHost: localhost\r\n"u8).Put(_authorization[phone]);

    /// <summary>A push of one op up to its body.</summary>
    public RequestBuffer Push(RequestBuffer to, ReadOnlySpan<byte> path, int phone, Guid opId) =>
        Head(to, "POST"u8, path, phone).Put("Idempotency-Key: \""u8).Put(opId).Put("\"\r\n"u8);

    /// <summary>The op that makes a note; the same arguments give the same bytes.</summary>
    public static RequestBuffer Create(RequestBuffer to, Guid opId, Guid record) =>
        Op(to, opId, record, "create"u8).Put(",\"patch\":{\"title\":\"Offline notes\",\"body\":\""u8).Put(Text)
            .Put("\",\"tags\":[\"work\",\"travel\"],\"done\":false,\"rank\":1000}}"u8);

    /// <summary>The op that gives one field of a note another value.</summary>
    public static RequestBuffer Update(RequestBuffer to, Guid opId, Guid record, (long BaseRev, bool Title, long Value) edit) =>
        Op(to, opId, record, "update"u8).Put(",\"baseRev\":"u8).Put(edit.BaseRev)
            .Put(edit.Title ? ",\"patch\":{\"title\":\"Offline notes "u8 : ",\"patch\":{\"rank\":"u8).Put(edit.Value)
            .Put(edit.Title ? "\"}}"u8 : "}}"u8);

    private static RequestBuffer Op(RequestBuffer to, Guid opId, Guid record, ReadOnlySpan<byte> kind) =>
        to.Put("{\"opId\":\""u8).Put(opId).Put("\",\"entity\":\"note\",\"entityId\":\""u8).Put(record)
            .Put("\",\"kind\":\""u8).Put(kind).Put("\",\"createdAt\":1763633700123"u8);
}
