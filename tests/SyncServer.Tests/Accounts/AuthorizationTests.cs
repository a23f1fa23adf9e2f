namespace SyncServer.Tests.Accounts;

public sealed class AuthorizationTests
{
    [Fact]
    public async Task Without_a_token_the_challenge_names_no_error()
    {
        await using var server = await AccountsServer.WithKeysAsync();
        var refused = new Answer(401, "Bearer", "", null);

        Assert.Equal(refused, await server.AskAsync(token: null));
        Assert.Equal(refused, await server.SendAsync("/who", "Basic YWxpY2U6c2VjcmV0"));
        Assert.Equal(refused, await server.SendAsync("/who", "Bearer"));
    }

    [Fact]
    public async Task A_route_that_nobody_thought_of_is_closed_and_so_is_one_that_does_not_exist()
    {
        await using var server = await AccountsServer.WithKeysAsync();

        Assert.Equal(401, (await server.AskAsync(token: null, "/who")).Status);
        Assert.Equal(401, (await server.AskAsync(token: null, "/nowhere")).Status);
        Assert.Equal(404, (await server.AskAsync(TokenForge.Rs256(TokenForge.Claims()), "/nowhere")).Status);
    }

    [Fact]
    public async Task An_open_route_answers_whatever_the_token()
    {
        await using var server = await AccountsServer.WithKeysAsync();

        Assert.Equal(200, (await server.AskAsync(token: null, "/open")).Status);
        Assert.Equal(200, (await server.AskAsync("junk", "/open")).Status);
    }

    [Fact]
    public async Task Two_Authorization_headers_are_refused_rather_than_chosen_from()
    {
        await using var server = await AccountsServer.StartAsync("Development", []);


        var response = await server.SendRawAsync(
            "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer dev:alice\r\nAuthorization: anything\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 401 ", response, StringComparison.Ordinal);
        Assert.Contains("There is more than one Authorization header", response, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operators_route_is_forbidden_to_others()
    {
        await using var server = await AccountsServer.StartAsync("Development", []);

        Assert.Equal(Answer.Of("alice", isOperator: true), await server.AskAsync("dev:alice:admin", "/operators"));
        Assert.Equal(new Answer(403, "Bearer error=\"insufficient_scope\"", "", null), await server.AskAsync("dev:alice", "/operators"));
        Assert.Equal(new Answer(401, "Bearer", "", null), await server.AskAsync(token: null, "/operators"));
    }
    [Theory]
    [InlineData("/operators")]
    [InlineData("/operators/policy")]
    [InlineData("/operators/requirement")]
    public async Task However_a_route_asks_for_more_than_a_caller_it_gets_it(string path)
    {
        await using var server = await AccountsServer.StartAsync("Development", []);

        Assert.Equal(200, (await server.AskAsync("dev:alice:admin", path)).Status);
        Assert.Equal(403, (await server.AskAsync("dev:alice", path)).Status);
        Assert.Equal(401, (await server.AskAsync(token: null, path)).Status);
    }
}
