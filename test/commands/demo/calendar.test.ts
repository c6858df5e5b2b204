import { describe, expect, it } from 'vitest'
import { activity, isLesson, isSchoolDay, localDay, localHour, startOf } from '../../../commands/demo/calendar.ts'

const at = (text: string) => Date.parse(`${text}+08:00`)
const isSchoolDate = (date: string) => isSchoolDay(localDay(at(`${date}T12:00:00`)))

describe('calendar of the made-up district', () => {
  it.each([
    ['2026-11-23', true, 'a Monday'],
    ['2026-11-22', false, 'a Sunday'],
    ['2026-11-21', false, 'a Saturday'],
    ['2026-10-01', false, 'National Day'],
    ['2026-10-07', false, 'the last day of the National Day holiday'],
    ['2026-10-08', true, 'the day after it'],
    ['2026-10-10', true, 'a Saturday worked for it'],
    ['2026-02-28', true, 'a Saturday worked for Spring Festival'],
  ])('%s: school is %s (%s)', (date, open) => {
    expect(isSchoolDate(date)).toBe(open)
  })

  it('counts days and hours in local time', () => {
    const time = at('2026-11-23T00:30:00')
    expect(localHour(time)).toBe(0.5)
    expect(startOf(localDay(time))).toBe(at('2026-11-23T00:00:00'))
  })

  it('has lessons in the morning and the afternoon of school days only', () => {
    const hours = ['07:30', '10:00', '13:00', '15:30', '19:00']
    const lessons = (date: string) => hours.map((hour) => isLesson(at(`${date}T${hour}:00`)))
    expect(lessons('2026-11-23')).toEqual([false, true, false, true, false])
    expect(lessons('2026-11-22')).toEqual([false, false, false, false, false])
  })

  it('is busiest in lessons, and in the evening only where pupils board', () => {
    const level = (time: string, boarding = false) => activity('town', boarding, at(time))
    expect(level('2026-11-24T10:30:00')).toBeGreaterThan(3 * level('2026-11-24T20:00:00'))
    expect(level('2026-11-24T20:00:00', true)).toBeGreaterThan(5 * level('2026-11-24T20:00:00'))
    expect(level('2026-11-24T10:30:00')).toBeGreaterThan(5 * level('2026-11-22T10:30:00'))
    expect(level('2026-11-22T20:00:00', true)).toBeGreaterThan(5 * level('2026-11-21T20:00:00', true))
  })
})
