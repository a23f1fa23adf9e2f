using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>Handlers that answer, or say why not.</summary>
internal static class Answering
{
    /// <summary>Answers with the rejection that the handler came to; with null it has answered itself.</summary>
    public static async Task OrProblemAsync(this Task<Rejection?> handling, HttpContext context)
    {
        if (await handling is { } rejection)
        {
            await Problems.WriteAsync(context, rejection);
        }
    }
}
