using SyncServer.Core;
using SyncServer.Core.Entities;
using SyncServer.Core.Json;

namespace SyncServer.Entities;

/// <summary>A file of entity definitions that cannot be used. The message lists everything that is wrong with it.</summary>
public sealed class EntitiesFileException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The file that declares entities (protocol 4.1).</summary>
internal static class EntitiesFile
{
    private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>The definitions of the file; throws <see cref="EntitiesFileException"/> where it is missing or wrong.</summary>
    public static EntityDefinitions Read(string path)
    {
        var bytes = Bytes(path);
        // Some editors write a byte order mark, and JSON has none (RFC 8259, 8.1).
        var text = bytes.AsSpan().StartsWith(Mark) ? bytes.AsSpan(Mark.Length) : bytes.AsSpan();
        var (value, rejection) = JsonParser.Parse(text);
        if (value is not JsonObject file)
        {
            throw Refusal(path, rejection switch
            {
                null => [new FieldError("", """The file is not an object. Write { "entities": { … } }.""")],
                { Errors: [] } => [new FieldError("", rejection.Detail)],
                _ => rejection.Errors,
            });
        }

        var (definitions, errors) = EntityDefinitions.Parse(file);
        return definitions ?? throw Refusal(path, errors);
    }

    private static byte[] Bytes(string path)
    {
        try
        {
            // One byte more than allowed tells a file that is too large, also where the length is not known.
            using var file = File.OpenRead(path);
            var bytes = new byte[DefinitionLimits.FileBytes + 1];
            var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return read <= DefinitionLimits.FileBytes
                ? bytes[..read]
                : throw Refusal(path, [new FieldError("", $"The file has more than {DefinitionLimits.FileBytes} bytes. Declare less.")]);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new EntitiesFileException(
                $"The entity definitions in '{path}' cannot be read: {failure.Message} Name a readable file, or none at all.", failure);
        }
    }

    private static EntitiesFileException Refusal(string path, IReadOnlyList<FieldError> errors) =>
        new($"The entity definitions in '{path}' cannot be used. Mend what is listed here, or name no file:" + string.Concat(
            errors.Select(error => $"{Environment.NewLine}  {(error.Pointer.Length == 0 ? "(the whole file)" : error.Pointer)}: {error.Detail}")));
}
