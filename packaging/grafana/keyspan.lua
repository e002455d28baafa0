-- For redis_exporter's -script: every figure that the modules have in INFO, as
-- redis_script_values{key="bf_bloom_num_objects"}.
local figures = {}
for line in string.gmatch(redis.call('INFO', 'modules'), '[^\r\n]+') do
    local name, figure = string.match(line, '^([%w_]+):(%d+)$')
    if name then
        table.insert(figures, name)
        table.insert(figures, figure)
    end
end
return figures
